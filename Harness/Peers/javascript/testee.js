// The testee: this implementation as the conformance kit drives it, by lines of JSON.
//
//   node testee.js [--key-log FILE]                                    driven over standard input and output
//   node testee.js --stdio [--users-file PATH] [--settings JSON] [--limits JSON] [--key-log FILE]
//                                                                      a server on standard input and output

import { appendFileSync, readFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { parseArgs } from 'node:util';
import { flushed, readLines, writeLine } from './testee/lines.js';
import { Session } from './testee/session.js';

const { values: options } = parseArgs({
  options: {
    stdio: { type: 'boolean', default: false },
    'users-file': { type: 'string' },
    settings: { type: 'string' },
    limits: { type: 'string' },
    'key-log': { type: 'string' },
  },
});
const controlDescriptor = process.env.BOKBOK_CONTROL_FD;
delete process.env.BOKBOK_CONTROL_FD; // it is not passed on

if (options.stdio) await runOnStandardStreams();
else drive(process.stdin, process.stdout);

/** Takes commands from a stream until it ends. */
function drive(input, output) {
  const session = new Session((object) => writeLine(output, object), machineOptions());
  const exit = async () => {
    await session.end();
    await flushed(output);
    process.exit(0);
  };
  session.onQuit = exit;
  output.on('error', exit);
  readLines(input, (line) => session.take(line), exit);
  return session;
}

async function runOnStandardStreams() {
  const control = controlDescriptor === undefined ? undefined : controlSocket(Number(controlDescriptor));
  const session = control ? drive(control, control) : new Session(() => {}, machineOptions());
  const { server } = await session.listen({
    address: 'stdio:',
    users: options['users-file'] && JSON.parse(readFileSync(options['users-file'], 'utf8')),
    settings: options.settings && JSON.parse(options.settings),
    limits: options.limits && JSON.parse(options.limits),
  });
  if (control) return;
  await server.closed;
  process.exit(0);
}

function controlSocket(descriptor) {
  return new Socket({ fd: descriptor, allowHalfOpen: true });
}

// H-7.c: these secrets leave the process for tests only.
function machineOptions() {
  const file = options['key-log'];
  if (file === undefined) return {};
  return {
    keyLog: ({ role, ephemeralSecret, sessionKey }) => {
      const line = { role, ephemeral: ephemeralSecret.toString('hex'), sessionKey: sessionKey.toString('hex') };
      appendFileSync(file, `${JSON.stringify(line)}\n`, { mode: 0o600 });
    },
  };
}
