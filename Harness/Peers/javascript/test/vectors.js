// Reads the files of Vectors/ (FORMAT.md there).

import { readFileSync, readdirSync } from 'node:fs';

const FOLDER = new URL('../../../../Vectors/', import.meta.url);

/** The names of all files. */
export const fileNames = readdirSync(FOLDER).filter((name) => name.endsWith('.json')).sort();

/** The vectors of the files of a subject. */
export function vectorsOf(subject) {
  return fileNames
    .map((name) => JSON.parse(readFileSync(new URL(name, FOLDER), 'utf8')))
    .filter((file) => file.subject === subject)
    .flatMap((file) => file.vectors);
}

/** The subject of a file. */
export function subjectOf(name) {
  return JSON.parse(readFileSync(new URL(name, FOLDER), 'utf8')).subject;
}

/** Bytes as they stand in a vector: hexadecimal, or a list of parts. */
export function bytesOf(parts) {
  if (typeof parts === 'string') {
    if (!/^([0-9a-f]{2})*$/.test(parts)) throw new Error(`not hexadecimal: ${parts}`);
    return Buffer.from(parts, 'hex');
  }
  return Buffer.concat(parts.map((part) => {
    if (typeof part === 'string') return bytesOf(part);
    const once = bytesOf(part.repeat);
    return Buffer.alloc(once.length * part.count, once);
  }));
}

/** A list in which `{repeat, count}` stands for many. */
export function expanded(list) {
  return list.flatMap((element) => ('repeat' in element ? new Array(element.count).fill(element.repeat) : [element]));
}

/** A value as it stands in a vector. */
export function valueOf(json) {
  return Array.isArray(json) ? expanded(json).map(valueOf) : bytesOf(json.hex);
}
