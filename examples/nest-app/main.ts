import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { attachGatehouse } from 'mcp-gatehouse';
import { AppModule, PORT } from './app.module.js';

// MCP clients keep streams open: without this option they would hold up the end of the process.
const app = await NestFactory.create(AppModule, { forceCloseConnections: true });
app.enableShutdownHooks();
attachGatehouse(app);
// Without authentication, only this machine may reach the tools.
await app.listen(PORT, '127.0.0.1');
console.log(`Orders: ${await app.getUrl()}/orders, tools: ${await app.getUrl()}/mcp`);
