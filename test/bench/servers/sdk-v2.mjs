// The official SDK v2 with Express, stateless, as 2026-07-28 is served by its handler.
import { toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import express from 'express';
import { z } from 'zod';

const newServer = () => {
  const server = new McpServer({ name: 'bench', version: '1' });
  server.registerTool(
    'echo',
    { description: 'Echo', inputSchema: z.object({ message: z.string() }) },
    async ({ message }) => ({
      content: [{ type: 'text', text: `Echo: ${message}` }],
    }),
  );
  return server;
};

const app = express();
app.use(express.json());
const handler = toNodeHandler(createMcpHandler(newServer, { legacy: 'stateless', responseMode: 'json' }));
app.post('/mcp', (req, res) => handler(req, res, req.body));
app.listen(Number(process.argv[2]), '127.0.0.1');
