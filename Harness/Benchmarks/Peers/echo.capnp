@0xb6f2d0c81fae4a57;

interface Echo {
  call @0 (message :Data) -> (answer :Data);
}
