// The Noise Protocol Framework, revision 34, as far as the sealed handshake needs it (section 3): the pattern NN with
// pre-shared keys, 25519, ChaChaPoly and SHA256.

import {
  createCipheriv, createDecipheriv, createHash, createHmac, createPrivateKey, createPublicKey, diffieHellman,
} from 'node:crypto';
import { TAG_LENGTH } from './wire.js';

export const PROTOCOL_NAME = 'Noise_NNpsk0+psk2_25519_ChaChaPoly_SHA256';
export const KEY_LENGTH = 32;
export const MESSAGE_1_LENGTH = 80;
export const MESSAGE_2_LENGTH = 48;

const EMPTY = Buffer.alloc(0);
const LARGEST_NONCE = 2n ** 64n - 2n;
// What stands before the 32 raw bytes in the DER forms of X25519 keys (RFC 8410).
const PUBLIC_KEY_PREFIX = Buffer.from('302a300506032b656e032100', 'hex');
const SECRET_KEY_PREFIX = Buffer.from('302e020100300506032b656e04220420', 'hex');

/** Thrown when a message does not authenticate, a Diffie-Hellman result is zero, or a counter has run out. */
export class NoiseError extends Error {}

/** A key and its counter: seals or opens one direction of a connection. */
export class CipherState {
  #key;
  #counter; // 64 bits, so a BigInt

  constructor(key, counter = 0n) {
    this.#key = key;
    this.#counter = counter;
  }

  /** Whether the next message would need a counter over 2^64 - 2 (R-4.a). */
  get exhausted() {
    return this.#counter > LARGEST_NONCE;
  }

  seal(plaintext, associatedData = EMPTY) {
    const cipher = createCipheriv('chacha20-poly1305', this.#key, this.#nonce(), { authTagLength: TAG_LENGTH });
    cipher.setAAD(associatedData, { plaintextLength: plaintext.length });
    const sealed = Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]); // R-2.c
    this.#counter += 1n; // R-2.d
    return sealed;
  }

  open(sealed, associatedData = EMPTY) {
    if (sealed.length < TAG_LENGTH) throw new NoiseError('the ciphertext is shorter than its tag');
    const cipher = createDecipheriv('chacha20-poly1305', this.#key, this.#nonce(), { authTagLength: TAG_LENGTH });
    const end = sealed.length - TAG_LENGTH;
    cipher.setAuthTag(sealed.subarray(end));
    cipher.setAAD(associatedData, { plaintextLength: end });
    const plaintext = cipher.update(sealed.subarray(0, end));
    try {
      cipher.final();
    } catch {
      plaintext.fill(0);
      throw new NoiseError('the ciphertext does not authenticate'); // the counter stays
    }
    this.#counter += 1n;
    return plaintext;
  }

  erase() {
    this.#key.fill(0); // H-8.b
  }

  // R-2.d: four zero bytes, then the counter in little-endian order.
  #nonce() {
    if (this.exhausted) throw new NoiseError('the counter of the cipher has run out'); // R-4.a
    const nonce = Buffer.alloc(12);
    nonce.writeBigUInt64LE(this.#counter, 4);
    return nonce;
  }
}

/** One side of one handshake. What it was given to keep secret it erases itself. */
export class Handshake {
  #initiator;
  #messages;
  #secret; // the ephemeral secret, 32 bytes
  #theirs; // the other side's ephemeral public key
  #keys = []; // the pre-shared keys, in the order of their use
  #hash;
  #chainingKey;
  #cipher;

  constructor({ initiator, prologue, ephemeralSecret, protocolName = PROTOCOL_NAME }) {
    this.#initiator = initiator;
    this.#messages = messagesOf(protocolName);
    this.#secret = Buffer.from(ephemeralSecret);
    const name = Buffer.from(protocolName, 'latin1');
    this.#hash = name.length > 32 ? sha256(name) : Buffer.concat([name, Buffer.alloc(32 - name.length)]);
    this.#chainingKey = Buffer.from(this.#hash);
    this.#mixHash(prologue);
  }

  /** The hash of the handshake so far; for comparison with vectors. */
  get hash() {
    return Buffer.from(this.#hash);
  }

  /** Gives the next pre-shared key, which is copied. */
  addKey(key) {
    this.#keys.push(Buffer.from(key));
  }

  /** The next message, with this payload. */
  writeMessage(payload) {
    const parts = [];
    for (const token of this.#messages.shift()) {
      if (token === 'e') {
        const mine = publicKey(this.#secret);
        parts.push(mine);
        this.#mixEphemeral(mine);
      } else {
        this.#mix(token);
      }
    }
    parts.push(this.#encryptAndHash(payload));
    return Buffer.concat(parts);
  }

  /** The payload of the other side's next message; throws a NoiseError if it does not authenticate. */
  readMessage(message) {
    let at = 0;
    for (const token of this.#messages.shift()) {
      if (token === 'e') {
        this.#theirs = Buffer.from(message.subarray(at, at + KEY_LENGTH));
        if (this.#theirs.length < KEY_LENGTH) throw new NoiseError('the message is too short');
        at += KEY_LENGTH;
        this.#mixEphemeral(this.#theirs);
      } else {
        this.#mix(token);
      }
    }
    return this.#decryptAndHash(message.subarray(at));
  }

  /** The two cipher states: what this side sends, and what it receives (H-9.a). */
  split() {
    const [first, second] = derive(this.#chainingKey, EMPTY, 2);
    const [clientToServer, serverToClient] = [new CipherState(first), new CipherState(second)];
    return this.#initiator
      ? { sending: clientToServer, receiving: serverToClient }
      : { sending: serverToClient, receiving: clientToServer };
  }

  /** Erases everything (H-8.a). */
  erase() {
    for (const bytes of [this.#secret, this.#hash, this.#chainingKey, ...this.#keys]) bytes.fill(0);
    this.#keys = [];
    this.#cipher?.erase();
  }

  #mix(token) {
    if (token === 'psk') {
      const key = this.#keys.shift();
      this.#mixKeyAndHash(key);
      key.fill(0);
    } else {
      const shared = sharedSecret(this.#secret, this.#theirs);
      this.#mixKey(shared);
      shared.fill(0);
    }
  }

  // With pre-shared keys the token e also goes into the chaining key (section 9.2 of Noise).
  #mixEphemeral(key) {
    this.#mixHash(key);
    this.#mixKey(key);
  }

  #mixHash(data) {
    this.#hash = sha256(this.#hash, data);
  }

  #mixKey(material) {
    const [chainingKey, key] = derive(this.#chainingKey, material, 2);
    this.#advance(chainingKey, key);
  }

  #mixKeyAndHash(material) {
    const [chainingKey, hash, key] = derive(this.#chainingKey, material, 3);
    this.#mixHash(hash);
    hash.fill(0);
    this.#advance(chainingKey, key);
  }

  #advance(chainingKey, key) {
    this.#chainingKey.fill(0);
    this.#cipher?.erase();
    this.#chainingKey = chainingKey;
    this.#cipher = new CipherState(key);
  }

  #encryptAndHash(payload) {
    const sealed = this.#cipher.seal(payload, this.#hash);
    this.#mixHash(sealed);
    return sealed;
  }

  #decryptAndHash(sealed) {
    const payload = this.#cipher.open(sealed, this.#hash);
    this.#mixHash(sealed);
    return payload;
  }
}

// The tokens of the messages: those of NN, with `psk` where the modifiers in the name put it (section 9 of Noise).
function messagesOf(protocolName) {
  const modifiers = /^Noise_NN((?:psk\d\+?)*)_25519_ChaChaPoly_SHA256$/.exec(protocolName);
  if (!modifiers) throw new TypeError(`the Noise protocol ${protocolName} is not one of those this code speaks`);
  const messages = [['e'], ['e', 'ee']];
  for (const [, place] of modifiers[1].matchAll(/psk(\d)/g)) {
    if (place === '0') messages[0].unshift('psk');
    else messages[Number(place) - 1].push('psk');
  }
  return messages;
}

function sha256(...parts) {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
}

function hmac(key, ...parts) {
  const code = createHmac('sha256', key);
  for (const part of parts) code.update(part);
  return code.digest();
}

// HKDF of section 4.3 of Noise, with two or three outputs.
function derive(chainingKey, material, count) {
  const temporary = hmac(chainingKey, material);
  const outputs = [];
  for (let index = 1; index <= count; index += 1) {
    outputs.push(hmac(temporary, outputs[index - 2] ?? EMPTY, Buffer.of(index)));
  }
  temporary.fill(0);
  return outputs;
}

function secretKeyObject(secret) {
  const der = Buffer.concat([SECRET_KEY_PREFIX, secret]);
  try {
    return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  } finally {
    der.fill(0);
  }
}

function publicKey(secret) {
  const der = createPublicKey(secretKeyObject(secret)).export({ format: 'der', type: 'spki' });
  return der.subarray(der.length - KEY_LENGTH);
}

// H-6: OpenSSL refuses to compute a shared secret that is all zero; whatever it computes is checked all the same.
function sharedSecret(secret, theirs) {
  let shared;
  try {
    shared = diffieHellman({
      privateKey: secretKeyObject(secret),
      publicKey: createPublicKey({ key: Buffer.concat([PUBLIC_KEY_PREFIX, theirs]), format: 'der', type: 'spki' }),
    });
  } catch {
    throw new NoiseError('the Diffie-Hellman result is zero');
  }
  if (shared.every((byte) => byte === 0)) throw new NoiseError('the Diffie-Hellman result is zero');
  return shared;
}
