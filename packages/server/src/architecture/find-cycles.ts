/**
 * One cycle, as a path that ends where it began, for each knot of a graph: a strongly connected
 * component (Tarjan 1972) of more than one node, or a node that points at itself.
 */
export function findCycles(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  return findComponents(graph).flatMap((component) => {
    const start = component[0] ?? '';
    const back = findPath(graph, start, new Set(component));
    return back === undefined ? [] : [back];
  });
}

function findComponents(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const order = new Map<string, number>();
  const lowest = new Map<string, number>();
  const stack: string[] = [];
  const onStack = new Set<string>();
  const components: string[][] = [];
  const lower = (node: string, value: number) =>
    lowest.set(node, Math.min(lowest.get(node) ?? value, value));

  function visit(node: string): void {
    order.set(node, order.size);
    lower(node, order.size - 1);
    stack.push(node);
    onStack.add(node);
    for (const next of graph.get(node) ?? []) {
      if (!order.has(next)) {
        visit(next);
        lower(node, lowest.get(next) ?? 0);
      } else if (onStack.has(next)) lower(node, order.get(next) ?? 0);
    }
    if (lowest.get(node) !== order.get(node)) return;
    const component = stack.splice(stack.indexOf(node));
    for (const member of component) onStack.delete(member);
    components.push(component.sort());
  }

  for (const node of graph.keys()) if (!order.has(node)) visit(node);
  return components;
}

/** The shortest way from `start` back to itself inside `nodes`. */
function findPath(
  graph: ReadonlyMap<string, readonly string[]>,
  start: string,
  nodes: ReadonlySet<string>,
): string[] | undefined {
  const paths = [[start]];
  const seen = new Set<string>();
  for (const path of paths) {
    for (const next of graph.get(path.at(-1) ?? '') ?? []) {
      if (next === start) return [...path, start];
      if (!nodes.has(next) || seen.has(next)) continue;
      seen.add(next);
      paths.push([...path, next]);
    }
  }
  return undefined;
}
