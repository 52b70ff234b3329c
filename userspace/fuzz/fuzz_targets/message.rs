// SPDX-License-Identifier: MIT OR Apache-2.0

//! What a node's server reads of a packet that anybody may have sent.
//!
//! No packet makes the decoder panic, what it takes for a message is the same
//! message when it is written and read again, and what is in a message was in
//! the packet. That no allocation is out of proportion is libFuzzer's to see:
//! `make fuzz` limits them.

#![no_main]

#[path = "../../src/channel/message.rs"]
mod message;

use libfuzzer_sys::fuzz_target;

use message::{LONGEST_PACKET, MOST_ARGUMENTS, Message};

fuzz_target!(|packet: &[u8]| {
    // The server does not decode what is longer.
    if packet.len() > LONGEST_PACKET {
        return;
    }
    let Ok(message) = Message::decode(packet) else {
        return;
    };
    if let Message::Request { arguments, .. } = &message {
        let length: usize = arguments.iter().map(|word| word.as_bytes().len()).sum();
        assert!(length <= packet.len());
        assert!(arguments.len() <= MOST_ARGUMENTS);
    }
    assert_eq!(Message::decode(&message.encode()), Ok(message));
});
