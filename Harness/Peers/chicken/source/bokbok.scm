;;; Bokbok: two processes offer calls to each other over one byte stream. This module is the whole interface.

(declare (unit bokbok)
         (uses bokbok.client bokbok.conditions bokbok.connection bokbok.keys bokbok.server bokbok.state bokbok.tasks
               bokbok.values))

(module bokbok ()

(import scheme (chicken base) (chicken module)
        (bokbok client) (bokbok conditions) (bokbok connection) (bokbok keys) (bokbok server) (bokbok state)
        (bokbok tasks) (bokbok values))

(reexport
 (only (bokbok server) start-server stop-server! wait-until-server-stopped server-address server-connections)
 (only (bokbok client) open-connection)
 (only (bokbok connection)
       request! start-request! await-response! cancel-request! ping!
       close-connection! abort-connection!
       connection-user connection-addr connection-open? connection-ending connection-exit-status
       connection-max-message
       fail-request turn-away)
 (only (bokbok state) ending-reason ending-code ending-message ending-side)
 (only (bokbok conditions)
       bokbok-condition? bokbok-condition-kind bokbok-condition-code bokbok-condition-text bokbok-condition-details
       bokbok-condition-side display-text)
 (only (bokbok keys) passphrase->key random-key)
 (only (bokbok tasks) spawn wait-for-task cancel-task! sleep! current-log)
 (only (bokbok values) atom value->bytes bytes->value))

)
