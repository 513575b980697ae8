/** The command that sends the first mail, with the address of this server. */
export function sendCommand(): string {
  return `curl ${window.location.origin}/v1/messages \\
  -H "Authorization: Bearer $POSTHORN_API_KEY" \\
  -H "Content-Type: application/json" \\
  -d '{"from":"shop@example.com","to":"you@example.net","subject":"Hello","text":"It works."}'`;
}
