// What a user of the package relies on: its types, its options' names, and the version of Node.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import * as library from '../index.js';
import { checkNodeVersion } from '../source/node-version.js';
import { checkedLimits } from '../source/options.js';
import { checkedSettings } from '../source/wire.js';

const types = readFileSync(new URL('../index.d.ts', import.meta.url), 'utf8').replaceAll(/\/\*\*.*?\*\//gs, '');

/** The names of the members of an interface or a class, and whether each is readonly. */
function membersOf(name) {
  const [, body] = new RegExp(`(?:interface|class) ${name}\\b[^{]*\\{\n(.*?)\n\\}`, 's').exec(types) ?? assert.fail(name);
  const members = new Set();
  for (const line of body.split('\n')) {
    const found = /^ {2}(?:private )?(?:readonly )?(\w+)[?]?[(:]/.exec(line);
    if (found) members.add(found[1]);
  }
  return members;
}

function publicNames(object) {
  return Object.getOwnPropertyNames(object).filter((name) => name !== 'stack' && name !== 'message' && name !== 'cause');
}

describe('index.d.ts', () => {
  test('declares what is exported, and nothing else', () => {
    const declared = [...types.matchAll(/^export (?:function|class|const) (\w+)/gm)].map(([, name]) => name);
    assert.deepEqual([...new Set(declared)].sort(), Object.keys(library).sort());
  });

  test('declares the members of each class', async () => {
    for (const name of ['Server', 'Connection']) {
      const found = Object.getOwnPropertyNames(library[name].prototype);
      for (const member of found) assert.ok(membersOf(name).has(member), `${name}.${member} is not declared`);
    }
    const server = await library.serve('tcp:127.0.0.1:0');
    const connection = await library.connect(server.address);
    for (const [name, object] of [['Server', server], ['Connection', connection]]) {
      for (const member of publicNames(object)) assert.ok(membersOf(name).has(member), `${name}.${member} is not declared`);
      for (const member of membersOf(name)) {
        if (member === 'constructor' || member === 'command') continue; // `command` is there for `exec:` only
        assert.ok(member in object, `${name}.${member} is declared and is not there`);
      }
    }
    await connection.close();
    await server.stop();
  });

  test('declares the members of each error', () => {
    const details = [Buffer.from('d')];
    const errors = [
      new library.RefusedError('busy', 'text'), new library.RemoteError('code', 'text', details),
      new library.ViolationError('local', 'text'), new library.RequestError('code', 'text', details),
      new library.TurnedDown('code', 'text'),
    ];
    for (const error of errors) {
      const { name } = error.constructor;
      const declared = new Set([...membersOf(name), 'kind', 'name']);
      for (const member of publicNames(error)) assert.ok(declared.has(member), `${name}.${member} is not declared`);
      for (const member of membersOf(name)) assert.ok(member in error, `${name}.${member} is declared and is not there`);
    }
  });

  test('declares each setting and limit with its default', () => {
    assert.deepEqual([...membersOf('Limits')].sort(), Object.keys(checkedLimits()).sort());
    assert.deepEqual([...membersOf('Settings')].sort(), Object.keys(checkedSettings()).sort());
  });

  test('declares each option that is taken', async () => {
    for (const [call, address, declared] of [
      [library.connect, 'tcp:127.0.0.1:1', [...membersOf('CommonOptions'), ...membersOf('ConnectOptions')]],
      [library.serve, 'tcp:127.0.0.1:0', [...membersOf('CommonOptions'), ...membersOf('ServeOptions')]],
    ]) {
      await assert.rejects(call(address, { handlr: () => [] }), (error) => {
        assert.ok(error instanceof TypeError);
        const [, known] = /there is no option handlr; there are (.*)$/.exec(error.message);
        assert.deepEqual(known.split(', ').sort(), declared.sort());
        return true;
      });
    }
  });
});

test('a Node that is too old is refused with a clear error', () => {
  const { engines } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  assert.equal(engines.node, '>=18.20');
  for (const version of ['16.20.2', '18.19.1']) {
    assert.throws(() => checkNodeVersion(version), { message: `bokbok needs Node 18.20 or later; this is Node ${version}` });
  }
  for (const version of ['18.20.0', '20.0.0', '22.1.0']) checkNodeVersion(version);
});
