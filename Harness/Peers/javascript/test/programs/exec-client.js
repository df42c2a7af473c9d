// Connects to the `exec:` address of its argument, to see what the command inherits; prints why that failed.

import { connect } from '../../index.js';

await connect(process.argv[2], { allowExec: true }).catch(({ kind, message }) => console.log(`${kind}: ${message}`));
