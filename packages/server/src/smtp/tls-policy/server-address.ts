/** `192.0.2.1`, `192.0.2.1:5353`, `2001:db8::1`, `[2001:db8::1]:5353`, as dns.getServers() writes them. */
export function parseServerAddress(server: string): { host: string; port: number } {
  const [, bracketed, bracketedPort] = /^\[(.+)\](?::(\d+))?$/.exec(server) ?? [];
  if (bracketed !== undefined) return { host: bracketed, port: Number(bracketedPort ?? 53) };
  const [, host, port] = /^([\d.]+):(\d+)$/.exec(server) ?? [];
  return host === undefined ? { host: server, port: 53 } : { host, port: Number(port) };
}
