// A server on standard input and output that prints wherever a program can print.
//   node printing-server.js [stay]    with `stay` it outlives its connection and SIGTERM

import { writeSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { atomText, serve } from '../../index.js';

const stays = process.argv[2] === 'stay';
if (stays) {
  setInterval(() => {}, 1000);
  if (process.argv[3] === 'for-ever') process.on('SIGTERM', () => {});
}

await serve('stdio:', {
  async handler(payload) {
    console.log('printed by console.log');
    process.stdout.write('printed by process.stdout\n');
    if (atomText(payload[0]) === 'print-everywhere') {
      writeSync(1, 'written to descriptor 1\n');
      spawnSync('echo', ['printed by a child'], { stdio: 'inherit' });
    }
    return payload;
  },
});
