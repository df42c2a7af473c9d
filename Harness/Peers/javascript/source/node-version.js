// Refuses a Node that is too old with a clear error, instead of failing somewhere later.

const MINIMUM = [18, 20]; // as package.json says

/** Throws an Error if this version of Node, such as 18.20.4, is older than what the package needs. */
export function checkNodeVersion(version) {
  const [major, minor] = version.split('.').map(Number);
  if (major > MINIMUM[0] || (major === MINIMUM[0] && minor >= MINIMUM[1])) return;
  throw new Error(`bokbok needs Node ${MINIMUM.join('.')} or later; this is Node ${version}`);
}

checkNodeVersion(process.versions.node);
