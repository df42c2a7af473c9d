import assert from 'node:assert/strict';
import {
  existsSync, mkdtempSync, readFileSync, readdirSync, statSync, unlinkSync, writeFileSync,
} from 'node:fs';
import { execFileSync, spawn } from 'node:child_process';
import { join } from 'node:path';
import { once } from 'node:events';
import { test } from 'node:test';
import { tmpdir } from 'node:os';
import { connect, serve } from '../index.js';

const folder = () => mkdtempSync(join(tmpdir(), 'bokbok-unix-'));
const mode = (path) => statSync(path).mode & 0o777;

test('the socket has its mode, whatever the umask is, and nothing is left behind (A-1.c, A-1.g, A-1.h)', async () => {
  const parent = folder();
  const path = join(parent, 's');
  const umask = process.umask(0o027);
  try {
    for (const wanted of [undefined, 0o666, 0o400]) {
      const server = await serve(path, { mode: wanted });
      assert.equal(server.address, `unix:${path}`);
      assert.equal(mode(path), wanted ?? 0o600);
      assert.equal(mode(`${path}.lock`), 0o600);
      assert.deepEqual(readdirSync(parent), ['s', 's.lock']);
      await server.stop();
      assert.deepEqual(readdirSync(parent), ['s.lock']);
    }
  } finally {
    process.umask(umask);
  }
});

test('a dead socket is replaced, and nothing else (A-1.e, A-1.f)', async () => {
  const path = join(folder(), 's');
  const code = "require('net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))";
  await once(spawn(process.execPath, ['-e', code, path]), 'exit');
  assert.ok(statSync(path).isSocket());
  const server = await serve(path);
  (await connect(path)).abort();
  await server.stop();

  writeFileSync(path, 'precious');
  await assert.rejects(serve(path), { kind: 'address', message: /not a socket/ });
  assert.equal(readFileSync(path, 'utf8'), 'precious');
  unlinkSync(path);

  // A server that knows nothing of the lock.
  const foreign = spawn(process.execPath, ['-e', `${code.replace(/, \(\).*/, ', () => console.log(1))')}`, path]);
  await once(foreign.stdout, 'data');
  await assert.rejects(serve(path), { kind: 'address', message: /in use/ });
  assert.ok(existsSync(path));
  foreign.kill('SIGKILL');
});

test('a lock that is held is an error at once, and the lock of a server is held (A-1.h, A-1.i)', async () => {
  const path = join(folder(), 's');
  const holder = spawn('flock', ['-x', `${path}.lock`, 'sh', '-c', 'echo locked; exec sleep 100'], { detached: true });
  await once(holder.stdout, 'data');
  await assert.rejects(serve(path), { kind: 'address', message: /lock/ });
  process.kill(-holder.pid, 'SIGKILL');
  await once(holder, 'close');

  const server = await serve(path);
  await assert.rejects(serve(path), { kind: 'address', message: /lock/ });
  assert.throws(() => execFileSync('flock', ['-n', `${path}.lock`, 'true']), { status: 1 });
  await server.stop();
  execFileSync('flock', ['-n', `${path}.lock`, 'true']);
  assert.ok(existsSync(`${path}.lock`));
});

test('a server removes no socket that has taken the place of its own (A-1.g)', async () => {
  const path = join(folder(), 's');
  const server = await serve(path);
  unlinkSync(path);
  const other = spawn(process.execPath,
    ['-e', "require('net').createServer().listen(process.argv[1], () => console.log(1))", path]);
  await once(other.stdout, 'data');
  await server.stop();
  assert.ok(existsSync(path));
  other.kill('SIGKILL');
});

test('the longest path is taken whole, and a longer one refused (A-1.j)', async () => {
  const parent = folder();
  const path = join(parent, 'x'.repeat(107 - parent.length - 1));
  const server = await serve(path);
  const connection = await connect(path);
  await connection.ping();
  await connection.close();
  await server.stop();
  await assert.rejects(serve(`${path}x`), { kind: 'address', message: /108 bytes/ });
  await assert.rejects(connect(`${path}x`), { kind: 'address', message: /108 bytes/ });
  await assert.rejects(serve(join(parent, 'no', 'such')), { kind: 'address' });
});
