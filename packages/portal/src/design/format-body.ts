/** A body as people read it: JSON and forms by lines; what is neither stays as it is. */
export function formatBody(body: string, contentType: string): string {
  if (contentType.includes('x-www-form-urlencoded')) {
    return [...new URLSearchParams(body)].map(([name, value]) => `${name} = ${value}`).join('\n');
  }
  try {
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return body;
  }
}
