/** What a tools/call of `echo` is answered with. @param text the message as it came */
export function echoOf(text) {
  const { id, params } = JSON.parse(text);
  const result = { content: [{ type: 'text', text: `Echo: ${params?.arguments?.message}` }] };
  return JSON.stringify({ jsonrpc: '2.0', id, result });
}
