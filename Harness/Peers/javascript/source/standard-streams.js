// Standard input and output as one stream.

import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { PairTransport, SocketTransport, socketOver } from './transports.js';
import { BokbokError } from './errors.js';

const INPUT = 0;
const OUTPUT = 1;
let taken = false;

/**
 * Takes standard input and output for the protocol, once in a process; gives the transport. What the process prints
 * from then on goes to standard error (A-2.d).
 */
export function takeStandardStreams() {
  if (taken) throw new BokbokError('address', 'standard input and output serve one connection, and have one already');
  const input = inspect(INPUT, 'standard input');
  const output = inspect(OUTPUT, 'standard output');
  taken = true;
  const transport = input.dev === output.dev && input.ino === output.ino && input.isSocket() // A-2.c
    ? takeOneSocket()
    : takeTwoDescriptors(output); // A-2.b
  // Node's own stream may have been made before, and kept by others.
  process.stdout.write = (...parameters) => process.stderr.write(...parameters);
  return transport;
}

function inspect(descriptor, name) {
  let status;
  try {
    status = fstatSync(descriptor);
  } catch (error) {
    throw new BokbokError('address', `"stdio:" needs ${name}: ${error.message}`);
  }
  if (!status.isFIFO() && !status.isSocket()) {
    throw new BokbokError('address', `"stdio:" needs a pipe or a socket as ${name}`);
  }
  return status;
}

function takeOneSocket() {
  redirectOutput(); // which keeps the socket open, as the input
  return new SocketTransport(socketOver(INPUT), { afterClose: () => release(INPUT) });
}

function takeTwoDescriptors(output) {
  const reader = socketOver(INPUT, { writable: false });
  const moved = moveOutput(output);
  const writer = socketOver(moved, { readable: false });
  reader.on('close', () => release(INPUT));
  if (moved === OUTPUT) writer.on('close', () => release(OUTPUT));
  return new PairTransport(reader, writer);
}

// A pipe gets another descriptor, so that whatever is printed, by whatever code of this process or its children, goes
// to standard error. A socket cannot be opened again, and Node cannot duplicate a descriptor: it stays where it is, and
// only what is printed by way of Node's stream goes elsewhere.
function moveOutput(output) {
  if (!output.isFIFO()) return OUTPUT;
  let moved;
  try {
    moved = openSync(`/dev/fd/${OUTPUT}`, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch {
    return OUTPUT; // nobody reads it any more
  }
  redirectOutput();
  return moved;
}

// Makes descriptor 1 what descriptor 2 is. (If that is a file, each writes at the end of it, or at its own place where
// the file was not opened for appending.)
function redirectOutput() {
  closeSync(OUTPUT);
  try {
    occupy(OUTPUT, '/dev/fd/2', constants.O_WRONLY | constants.O_APPEND);
  } catch {
    occupy(OUTPUT, '/dev/null', constants.O_WRONLY); // standard error is a socket, or closed
  }
}

// Node does not close the descriptors 0 to 2 with the streams over them.
function release(descriptor) {
  closeSync(descriptor);
  occupy(descriptor, '/dev/null', constants.O_RDWR);
}

// Opens a file as this descriptor, which is the lowest that is free.
function occupy(descriptor, name, flags) {
  const opened = openSync(name, flags);
  if (opened !== descriptor) closeSync(opened);
}
