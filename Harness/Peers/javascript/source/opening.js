// The opening of a connection, read from top to bottom (sections 2 and 3). Each function is a generator that yields how
// many bytes of the other side's it needs next, and gets them. `machine` is the connection's Machine.

import {
  KEY_LENGTH, MESSAGE_1_LENGTH, MESSAGE_2_LENGTH, Handshake, NoiseError,
} from './noise.js';
import { BokbokError, RefusedError } from './errors.js';
import { MAGIC, Mode, VERSION, preamble, readCodeAndMessage, record, refusal } from './wire.js';
import { shown, utf8Text } from './text.js';

const MAX_NAME_LENGTH = 255;
const EMPTY = Buffer.alloc(0);

// H-4.c, H-5.d: whatever the reason, the client gets the same bytes.
const AUTHENTICATION_FAILED = refusal('authentication-failed', 'the server could not authenticate the client');

/** Yielded by the server's opening while the key of a user is looked up. */
export const LOOKUP = Symbol('lookup');

/**
 * The server's part. Gives true when frames can follow, and false when the stream has been ended. The checks stand in
 * the order of O-6.d: magic bytes, version, mode, busy, authentication.
 */
export function* openAsServer(machine) {
  for (const expected of MAGIC) {
    const [byte] = yield 1;
    if (byte !== expected) return machine.giveUp('the client does not speak this protocol'); // O-3.a
  }
  const [version, mode] = yield 2; // O-2.a: nothing has been sent so far
  if (version !== VERSION) { // O-4.a, O-4.b
    return machine.refuse(refusal('unsupported-version', `this server speaks version ${VERSION} only`));
  }
  if (mode !== (machine.sealed ? Mode.sealed : Mode.plain)) { // O-5
    const message = `this server takes ${machine.sealed ? 'sealed' : 'plain'} connections only`;
    return machine.refuse(refusal('mode-mismatch', message));
  }
  if (machine.isBusy()) { // O-6.c
    return machine.refuse(refusal('busy', 'this server has as many connections as it takes'));
  }
  if (!machine.sealed) {
    machine.sendRaw(preamble(Mode.plain)); // O-7.a
    machine.sendSettings(); // O-7.b
    return true;
  }
  return yield* authenticateClient(machine);
}

function* authenticateClient(machine) {
  const nameLength = (yield 2).readUInt16BE(0);
  if (nameLength === 0 || nameLength > MAX_NAME_LENGTH) { // H-5.a
    return refuseClient(machine, `the user name has ${nameLength} bytes`);
  }
  const name = Buffer.from(yield nameLength); // R-5.c: a copy
  const user = utf8Text(name);
  if (user === undefined) return refuseClient(machine, 'the user name is not UTF-8'); // H-5.b, H-12.b
  const messageLength = (yield 2).readUInt16BE(0);
  if (messageLength !== MESSAGE_1_LENGTH) { // H-5.c
    return refuseClient(machine, `message 1 of ${shown(user)} has ${messageLength} bytes`);
  }
  const message1 = Buffer.from(yield MESSAGE_1_LENGTH);

  machine.lookUp(user); // H-4.d, H-4.e: not before the whole of message 1 has come
  const found = yield LOOKUP;
  // H-4.a, H-4.f, H-4.g, H-4.h: an unknown user is one whose key nobody has.
  const known = found instanceof Uint8Array && found.byteLength === KEY_LENGTH;
  const handshake = machine.beginHandshake(name); // H-1.a
  let sessionKey;
  let message2;
  let reason = known ? 'the key is not the one of' : 'there is no user';
  try {
    handshake.addKey(known ? found : machine.unknownUserKey);
    sessionKey = handshake.readMessage(message1); // H-4.b
    reason = 'the public key gives a zero secret for';
    handshake.addKey(sessionKey); // H-3.b
    message2 = handshake.writeMessage(EMPTY); // H-6.a
  } catch (error) {
    if (!(error instanceof NoiseError)) throw error;
    sessionKey?.fill(0);
    return refuseClient(machine, `${reason} ${shown(user)}`); // H-4.j
  }
  machine.user = user;
  machine.sendRaw(preamble(Mode.sealed)); // H-3.a, H-3.c
  machine.sendRaw(record(message2));
  machine.takeCiphers(handshake, sessionKey);
  machine.sendSettings(); // H-10.a
  return true;
}

function refuseClient(machine, reason) {
  machine.log(`authentication failed: ${reason}`); // H-4.j
  return machine.refuse(AUTHENTICATION_FAILED);
}

/** The client's part. Gives true when frames can follow, and false when the stream has been ended. */
export function* openAsClient(machine) {
  machine.sendRaw(preamble(machine.sealed ? Mode.sealed : Mode.plain)); // O-1
  let handshake;
  let sessionKey;
  if (machine.sealed) {
    const name = Buffer.from(machine.user, 'utf8');
    sessionKey = machine.newSecret(); // H-2.c, H-7
    handshake = machine.beginHandshake(name);
    handshake.addKey(machine.key);
    machine.sendRaw(record(name)); // H-2.a
    machine.sendRaw(record(handshake.writeMessage(sessionKey))); // H-2.b
  } else {
    machine.sendSettings(); // O-8.a
  }

  for (const expected of MAGIC) {
    const [byte] = yield 1;
    if (byte !== expected) return isNotBokbok(machine, 'it sends other bytes than "BOKBOK"'); // O-9.a
  }
  const [version, mode] = yield 2;
  if (mode === Mode.refused) return yield* takeRefusal(machine); // O-9.h: whatever the version byte is
  if (version !== VERSION) return isNotBokbok(machine, `it answers with version ${version}`); // O-9.b
  if (mode !== (machine.sealed ? Mode.sealed : Mode.plain)) { // O-9.c, O-9.f
    return isNotBokbok(machine, `it answers with the mode 0x${mode.toString(16).padStart(2, '0')}`);
  }
  return machine.sealed ? yield* authenticateServer(machine, handshake, sessionKey) : true;
}

function* takeRefusal(machine) {
  const length = (yield 2).readUInt16BE(0);
  const refused = length === 0 ? undefined : readCodeAndMessage(yield length);
  if (!refused) return isNotBokbok(machine, 'its refusal has not the form of one'); // O-9.d, E-2.g
  // O-11.a: reported as a refusal, and as nothing more.
  return machine.failToOpen(new RefusedError(refused.code, refused.text));
}

function* authenticateServer(machine, handshake, sessionKey) {
  const length = (yield 2).readUInt16BE(0);
  try {
    if (length !== MESSAGE_2_LENGTH) throw new NoiseError(`message 2 has ${length} bytes`); // H-11.c
    const message2 = yield MESSAGE_2_LENGTH;
    handshake.addKey(sessionKey); // H-3.b
    handshake.readMessage(message2); // H-6.b
  } catch (error) {
    if (!(error instanceof NoiseError)) throw error;
    const text = `the server could not prove that it holds the key of ${shown(machine.user)}: ${error.message}`;
    return machine.failToOpen(new BokbokError('authentication', text)); // H-11.a, H-11.b
  }
  machine.takeCiphers(handshake, sessionKey);
  machine.sendSettings();
  return true;
}

function isNotBokbok(machine, what) {
  return machine.failToOpen(new BokbokError('notBokbok', `the peer does not speak this protocol: ${what}`));
}
