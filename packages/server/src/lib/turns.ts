/**
 * Runs pieces of work that may come by the hundred at one moment: `perTurn` of them in each turn of the
 * event loop, at once as long as that lasts, so that what else is ready need not wait for all of them.
 * In the order in which they came.
 */
export function createTurns(perTurn: number): (work: () => void) => void {
  const waiting: (() => void)[] = [];
  let left = perTurn;
  let isArmed = false;

  function arm(): void {
    if (isArmed) return;
    isArmed = true;
    setImmediate(() => {
      isArmed = false;
      left = perTurn;
      work();
    });
  }

  function work(): void {
    while (left > 0) {
      const next = waiting.shift();
      if (next === undefined) return;
      left -= 1;
      arm();
      next();
    }
  }

  return (piece) => {
    waiting.push(piece);
    if (left === 0) arm();
    else work();
  };
}
