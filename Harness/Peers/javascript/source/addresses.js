// Addresses (section 9).

import { isIPv6 } from 'node:net';
import { BokbokError } from './errors.js';

const LONGEST_SOCKET_PATH = process.platform === 'linux' ? 107 : 103;

/**
 * What an address means: {scheme: 'tcp', host, port}, {scheme: 'unix', path}, {scheme: 'stdio'} or
 * {scheme: 'exec', words}. Throws a BokbokError of the kind address where a text is none (A-1.a), or not one for this
 * role.
 */
export function parseAddress(text, role) {
  if (typeof text !== 'string' || text === '') throw wrong(text, 'it is empty');
  if (text.startsWith('tcp:')) return tcpAddress(text, text.slice(4), role);
  if (text.startsWith('unix:')) return unixAddress(text, text.slice(5));
  if (text.startsWith('stdio:')) {
    if (text !== 'stdio:') throw wrong(text, 'nothing follows "stdio:"');
    if (role === 'client') throw wrong(text, 'only servers use standard input and output');
    return { scheme: 'stdio' };
  }
  if (text.startsWith('exec:')) {
    if (role === 'server') throw wrong(text, 'only clients start commands');
    const words = splitWords(text, text.slice(5));
    if (words.length === 0 || words[0] === '') throw wrong(text, 'no command follows "exec:"');
    return { scheme: 'exec', words };
  }
  return text.includes('/') ? unixAddress(text, text) : tcpAddress(text, text, role);
}

function tcpAddress(text, rest, role) {
  const match = /^(?:\[([^\]]*)\]|([^:[\]]*)):([0-9]+)$/.exec(rest);
  if (!match) {
    const hint = isIPv6(rest) || rest.split(':').length > 2 ? '; an IPv6 address stands in brackets, as in [::1]:4000' : '';
    throw wrong(text, `it is not HOST:PORT${hint}`);
  }
  const [, bracketed, plain, digits] = match;
  if (bracketed !== undefined && !isIPv6(bracketed)) throw wrong(text, 'what stands in brackets is no IPv6 address');
  if (plain === '') throw wrong(text, 'the host is missing');
  if (/[\s\0/]/.test(plain ?? '')) throw wrong(text, 'a host has no white space');
  const port = Number(digits);
  const least = role === 'server' ? 0 : 1;
  if (!/^(0|[1-9][0-9]{0,4})$/.test(digits) || port > 65535 || port < least) {
    throw wrong(text, `the port is a number from ${least} to 65535`);
  }
  return { scheme: 'tcp', host: bracketed ?? plain, port };
}

function unixAddress(text, path) {
  if (path === '') throw wrong(text, 'the path is missing');
  if (path.includes('\0')) throw wrong(text, 'the path has a zero byte');
  const length = Buffer.byteLength(path);
  if (length > LONGEST_SOCKET_PATH) { // A-1.j
    throw wrong(text, `its path has ${length} bytes, and a UNIX socket takes ${LONGEST_SOCKET_PATH} at most`);
  }
  return { scheme: 'unix', path };
}

// The words of a command as a POSIX shell splits them, with its quotes and backslashes; nothing is expanded (A-3.e).
function splitWords(text, line) {
  const words = [];
  let word; // undefined between words; a quoted empty text is a word
  let at = 0;
  while (at < line.length) {
    const character = line[at++];
    if (character === ' ' || character === '\t' || character === '\n') {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (character === "'") {
      const end = line.indexOf("'", at);
      if (end === -1) throw wrong(text, "a ' is not closed");
      word = (word ?? '') + line.slice(at, end);
      at = end + 1;
    } else if (character === '"') {
      word ??= '';
      for (;;) {
        if (at === line.length) throw wrong(text, 'a " is not closed');
        const inner = line[at++];
        if (inner === '"') break;
        if (inner === '\\' && at < line.length && '$`"\\\n'.includes(line[at])) {
          const escaped = line[at++];
          if (escaped !== '\n') word += escaped;
        } else {
          word += inner;
        }
      }
    } else if (character === '\\') {
      if (at === line.length) throw wrong(text, 'nothing follows the last \\');
      const escaped = line[at++];
      if (escaped !== '\n') word = (word ?? '') + escaped; // a line that goes on
    } else {
      word = (word ?? '') + character;
    }
  }
  if (word !== undefined) words.push(word);
  return words;
}

function wrong(text, why) {
  return new BokbokError('address', `${JSON.stringify(text)} is not an address that can be used here: ${why}. `
    + 'Addresses are tcp:HOST:PORT, unix:PATH, and stdio: for servers or exec:COMMAND for clients');
}

/** The address of a TCP server, with the port that it got (A-1.b). */
export function tcpText(host, port) {
  return isIPv6(host) ? `tcp:[${host}]:${port}` : `tcp:${host}:${port}`;
}
