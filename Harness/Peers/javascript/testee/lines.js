// Lines of JSON over a stream.

const NEWLINE = 0x0a;

/** Calls `take` with each line that comes, and `ended` after the last. */
export function readLines(stream, take, ended) {
  let parts = [];
  stream.on('data', (chunk) => {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      parts.push(chunk.subarray(start, end));
      const line = Buffer.concat(parts).toString('utf8');
      parts = [];
      start = end + 1;
      if (line.trim() !== '') take(line);
    }
    if (start < chunk.length) parts.push(chunk.subarray(start));
  });
  let over = false;
  const finish = () => {
    if (!over) ended();
    over = true;
  };
  stream.on('end', finish);
  stream.on('error', finish);
  stream.on('close', finish);
}

/** Writes one object as a line. */
export function writeLine(stream, object) {
  stream.write(`${JSON.stringify(object)}\n`);
}

/** Fulfilled when everything is written, or cannot be. */
export function flushed(stream) {
  return new Promise((resolve) => {
    if (stream.destroyed) resolve();
    else stream.write('', () => resolve());
  });
}
