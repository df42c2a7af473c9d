// The Bokbok protocol for Node. See README.md, and index.d.ts for every option.

import './source/node-version.js';

export { serve, Server } from './source/server.js';
export { connect } from './source/client.js';
export { Connection } from './source/connection.js';
export {
  BokbokError, RefusedError, RemoteError, RequestError, TurnedDown, ViolationError,
} from './source/errors.js';
export { atomNumber, atomText, decode, encode } from './source/values.js';
