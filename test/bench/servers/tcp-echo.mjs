// The limit of TCP: bare node:net that cuts lines, parses each and answers it, and does nothing else.
import { createServer } from 'node:net';
import { echoOf } from './echo.mjs';

createServer((socket) => {
  let rest = '';
  socket.setNoDelay(true).setEncoding('utf8');
  socket.on('data', (chunk) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop();
    for (const line of lines) socket.write(`${echoOf(line)}\n`);
  });
  socket.on('error', () => socket.destroy());
}).listen(Number(process.argv[2]), '127.0.0.1');
