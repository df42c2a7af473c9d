import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect, serve } from '../index.js';
import { parseAddress } from '../source/addresses.js';

test('addresses (A-1.a)', () => {
  const cases = {
    'tcp:localhost:4000': { scheme: 'tcp', host: 'localhost', port: 4000 },
    '127.0.0.1:1': { scheme: 'tcp', host: '127.0.0.1', port: 1 },
    'tcp:[::1]:65535': { scheme: 'tcp', host: '::1', port: 65535 },
    '[fe80::1]:80': { scheme: 'tcp', host: 'fe80::1', port: 80 },
    'unix:name': { scheme: 'unix', path: 'name' },
    'unix:/a b': { scheme: 'unix', path: '/a b' },
    './host:80': { scheme: 'unix', path: './host:80' },
    'http://x:1': { scheme: 'unix', path: 'http://x:1' },
    [`/${'x'.repeat(106)}`]: { scheme: 'unix', path: `/${'x'.repeat(106)}` },
    'exec:a b': { scheme: 'exec', words: ['a', 'b'] },
  };
  for (const [text, meaning] of Object.entries(cases)) assert.deepEqual(parseAddress(text, 'client'), meaning);
  assert.deepEqual(parseAddress('stdio:', 'server'), { scheme: 'stdio' });
  assert.deepEqual(parseAddress('tcp:[::]:0', 'server'), { scheme: 'tcp', host: '::', port: 0 });
});

test('texts that are no addresses are refused, and say why (A-1.a, A-1.j)', () => {
  const wrong = ['', 'host', 'tcp:', 'tcp::80', 'tcp:host', 'tcp:host:', 'tcp:host:65536', 'tcp:host:-1', 'tcp:host:1x',
    'tcp:::1:80', 'tcp:[::1]', 'tcp:[host]:80', 'tcp:a b:80', 'unix:', 'exec:', "exec:''", 'exec:a "b', "exec:a 'b",
    'exec:a \\', 'stdio:x', `/${'é'.repeat(54)}`, 'a/\0', 'tcp:host:0'];
  for (const text of wrong) {
    assert.throws(() => parseAddress(text, 'client'), (error) => error.kind === 'address' && error.message.length > 40, text);
  }
  assert.throws(() => parseAddress('stdio:', 'client'), { kind: 'address' });
  assert.throws(() => parseAddress('exec:a', 'server'), { kind: 'address' });
});

test('the words of a command are split as a POSIX shell does (A-3.e)', () => {
  const cases = {
    '  a\tb\n c ': ['a', 'b', 'c'],
    "'a b' 'c\\'": ['a b', 'c\\'],
    '"a b" "c\\"d\\\\e\\$f\\`g\\h"': ['a b', 'c"d\\e$f`g\\h'],
    'a\\ b \\\\ \\n': ['a b', '\\', 'n'],
    "a'b'\"c\"d": ['abcd'],
    "a '' \"\"": ['a', '', ''],
    'a\\\nb "c\\\nd"': ['ab', 'cd'],
    '$HOME * ~ a;b | c > d #e': ['$HOME', '*', '~', 'a;b', '|', 'c', '>', 'd', '#e'],
  };
  for (const [line, words] of Object.entries(cases)) assert.deepEqual(parseAddress(`exec:${line}`, 'client').words, words);
});

test('a command is started only where that is allowed (A-4.a)', async () => {
  await assert.rejects(connect('exec:true'), { kind: 'address', message: /allowExec/ });
  await assert.rejects(connect('exec:/no/such/command', { allowExec: true }), { kind: 'address' });
});

test('a server reports the port that it got (A-1.b), and an IPv6 address with brackets', async () => {
  for (const [address, form] of [['127.0.0.1:0', /^tcp:127\.0\.0\.1:[1-9]\d*$/], ['tcp:[::1]:0', /^tcp:\[::1\]:[1-9]\d*$/]]) {
    const server = await serve(address);
    assert.match(server.address, form);
    const connection = await connect(server.address);
    await assert.rejects(serve(server.address), { kind: 'address' });
    await connection.close();
    await server.stop();
    await assert.rejects(connect(server.address), { kind: 'address' });
  }
});

test('options that are wrong are refused', async () => {
  const key = Buffer.alloc(32);
  for (const options of [{ user: 'a' }, { key }, { user: '', key }, { user: 'é'.repeat(128), key }, { user: 'a', key: 'x' },
    { user: 'a', key: Buffer.alloc(31) }, { user: '\ud800', key }, { settings: { maxMessage: 1023 } },
    { settings: { maxRequests: 0 } }, { settings: { maxPartial: 5000 } }, { settings: { maxMessage: 2 ** 32 } },
    { settings: { other: 1 } }, { limits: { handshakeMilliseconds: 0 } }, { limits: { drainMilliseconds: 2 ** 31 } },
    { limits: { other: 1 } }, { handler: 'x' }]) {
    await assert.rejects(connect('tcp:127.0.0.1:1', options), (error) => !('kind' in error), JSON.stringify(options));
  }
  await assert.rejects(serve('tcp:127.0.0.1:0', { users: { a: Buffer.alloc(16) } }), TypeError);
  await assert.rejects(serve('tcp:127.0.0.1:0', { users: {}, lookup: () => {} }), TypeError);
});
