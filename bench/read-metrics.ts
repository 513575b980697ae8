/** What a server shows on /metrics without labels, by name. */
export async function readMetrics(server: { httpUrl: string }): Promise<Map<string, number>> {
  const text = await (await fetch(`${server.httpUrl}/metrics`)).text();
  const lines = text.split('\n').filter((line) => /^[a-z_]+ /.test(line));
  return new Map(
    lines.map((line): [string, number] => {
      const [name = '', value] = line.split(' ');
      return [name, Number(value)];
    }),
  );
}
