// The limit of WebSockets: bare `ws` that parses a message and answers it, and does nothing else.
import { WebSocketServer } from 'ws';
import { echoOf } from './echo.mjs';

new WebSocketServer({ port: Number(process.argv[2]), host: '127.0.0.1', perMessageDeflate: false }).on(
  'connection',
  (socket) => socket.on('message', (data) => socket.send(echoOf(data.toString()))),
);
