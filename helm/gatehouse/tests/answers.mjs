// `helm test`: the service is ready, and its MCP endpoint answers an initialize, or says that it wants a credential.
const base = process.env.SERVICE_URL;
const initialize = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'helm test', version: '1' } },
};

const ready = await fetch(`${base}/health/ready`);
if (!ready.ok) throw new Error(`/health/ready answered ${ready.status}: ${await ready.text()}`);

const answer = await fetch(`${base}/mcp`, {
  method: 'POST',
  headers: { 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream' },
  body: JSON.stringify(initialize),
});
const text = await answer.text();
const isServed = answer.status === 200 && text.includes('"serverInfo"');
if (!isServed && answer.status !== 401) throw new Error(`/mcp answered ${answer.status}: ${text}`);
console.log(isServed ? 'Ready, and MCP is served.' : 'Ready, and MCP asks for a credential.');
