// SPDX-License-Identifier: MIT OR Apache-2.0

//! The control channel, by a client that knows nothing of ours: it is written
//! from the protocol's description alone.

use std::fs::File;
use std::io::{IoSlice, Read};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    AddressFamily, ControlMessage, MsgFlags, SockFlag, SockType, UnixAddr, connect, recv, sendmsg,
    socket,
};
use nix::unistd::pipe;

use crate::core::Node;
use crate::lab::{Lab, eventually, run};

const REQUEST: u32 = 1;
const ACK: u32 = 2;
const STATUS: u32 = 3;
const SIGNAL: u32 = 4;

const ID: u32 = 1;
const ARGUMENT: u32 = 5;

/// A connection.
struct Client(OwnedFd);

/// What a packet says: its type, and two numbers.
type Reply = (u32, i32, i32);

impl Client {
    fn connect(path: &str) -> Self {
        let flags = SockFlag::SOCK_CLOEXEC;
        let socket = socket(AddressFamily::Unix, SockType::SeqPacket, flags, None).unwrap();
        connect(socket.as_raw_fd(), &UnixAddr::new(path).unwrap()).unwrap();
        Client(socket)
    }

    fn try_send(&self, packet: &[u8], descriptors: &[BorrowedFd]) -> nix::Result<usize> {
        let raw: Vec<_> = descriptors.iter().map(AsRawFd::as_raw_fd).collect();
        let control = [ControlMessage::ScmRights(&raw)];
        let control = if raw.is_empty() { &[][..] } else { &control };
        let flags = MsgFlags::MSG_NOSIGNAL;
        sendmsg::<()>(
            self.0.as_raw_fd(),
            &[IoSlice::new(packet)],
            control,
            flags,
            None,
        )
    }

    fn send(&self, packet: &[u8]) {
        self.try_send(packet, &[]).unwrap();
    }

    fn request(&self, id: i32, command: &[&str]) {
        self.send(&request(id, command));
    }

    fn signal(&self, id: i32, signal: i32) {
        self.send(&packet(SIGNAL, &[number(ID, id), number(8, signal)]));
    }

    /// The next packet; nothing when the server has closed the connection.
    fn receive(&self) -> Option<Vec<u8>> {
        let mut ready = [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)];
        let came = poll(&mut ready, PollTimeout::from(10_000_u16)).unwrap();
        assert_eq!(came, 1, "no answer within 10 s");
        let mut packet = vec![0; 100];
        match recv(self.0.as_raw_fd(), &mut packet, MsgFlags::empty()) {
            Ok(0) | Err(Errno::ECONNRESET) => None,
            length => {
                packet.truncate(length.unwrap());
                Some(packet)
            }
        }
    }

    fn reply(&self) -> Reply {
        let packet = self.receive().expect("the connection is still there");
        let words: Vec<u32> = (packet.chunks_exact(4))
            .map(|bytes| u32::from_ne_bytes(bytes.try_into().unwrap()))
            .collect();
        let [kind, 24, ID, 4, id, value, 4, number] = words[..] else {
            panic!("an odd answer: {words:?}");
        };
        assert_eq!(value, if kind == ACK { 6 } else { 7 });
        (kind, id as i32, number as i32)
    }

    /// Runs a command to its end; its pid and status.
    fn run(&self, id: i32, command: &[&str]) -> (i32, i32) {
        self.request(id, command);
        self.finish(id)
    }

    fn finish(&self, id: i32) -> (i32, i32) {
        let (kind, answered, pid) = self.reply();
        assert_eq!((kind, answered), (ACK, id));
        let (kind, answered, status) = self.reply();
        assert_eq!((kind, answered), (STATUS, id));
        (pid, status)
    }

    /// The server has passed over what came before.
    fn is_served(&self) {
        assert_eq!(self.run(77, &["true"]).1, 0);
    }
}

fn value(kind: u32, value: &[u8]) -> Vec<u8> {
    let length = u32::try_from(value.len()).unwrap();
    [&kind.to_ne_bytes()[..], &length.to_ne_bytes(), value].concat()
}

fn number(kind: u32, number: i32) -> Vec<u8> {
    value(kind, &number.to_ne_bytes())
}

fn packet(kind: u32, values: &[Vec<u8>]) -> Vec<u8> {
    value(kind, &values.concat())
}

fn request(id: i32, command: &[&str]) -> Vec<u8> {
    let mut values = vec![number(ID, id)];
    values.extend(command.iter().map(|word| argument(word)));
    packet(REQUEST, &values)
}

fn argument(word: &str) -> Vec<u8> {
    value(ARGUMENT, &[word.as_bytes(), b"\0"].concat())
}

/// To the byte; of any server.
pub fn answers_are_as_documented(path: &str) {
    let client = Client::connect(path);
    client.request(42, &["sh", "-c", "exit 5"]);
    let ack = client.receive().unwrap();
    let start = packet(ACK, &[number(ID, 42), number(6, 0)]);
    assert_eq!((ack.len(), &ack[..28]), (32, &start[..28]));
    assert!(i32::from_ne_bytes(ack[28..].try_into().unwrap()) > 1);
    let status = packet(STATUS, &[number(ID, 42), number(7, 0x0500)]);
    assert_eq!(client.receive().unwrap(), status);

    // Values in another order, an id twice, an id that is missing.
    let odd = [argument("true"), number(ID, 1), number(ID, -2)];
    client.send(&packet(REQUEST, &odd));
    assert_eq!(client.finish(-2).1, 0);
    client.send(&packet(REQUEST, &[argument("true")]));
    assert_eq!(client.finish(0).1, 0);
}

/// What any server does with several commands, with what it rejects, and at the
/// limits of what it takes.
pub fn a_server_does_as_documented(path: &str) {
    answers_are_as_documented(path);
    commands_of_one_connection_run_at_once(path);
    nothing_is_said_of_what_is_rejected(path);
    the_longest_packets_are_taken(path);
}

pub fn a_connection_has_any_number_of_commands(_: &Lab) {
    let node = Node::of_ours("n1");
    answers_are_as_documented(&node.channel);
    commands_of_one_connection_run_at_once(&node.channel);
}

fn commands_of_one_connection_run_at_once(path: &str) {
    let client = Client::connect(path);
    let null = File::open("/dev/null").unwrap();
    let (wait, go) = pipe().unwrap();
    let three = [wait.as_fd(), null.as_fd(), null.as_fd()];
    for id in [1, 2, 2] {
        client.try_send(&request(id, &["cat"]), &three).unwrap();
        assert_eq!(client.reply().0, ACK);
    }
    drop(wait);
    assert_eq!(client.run(3, &["sh", "-c", "kill -9 $$"]).1, 9);
    // Time to execute it: a signal before that ends CORE's server.
    std::thread::sleep(std::time::Duration::from_millis(200));
    // Of two with one id the older one is meant.
    client.signal(2, 15);
    assert_eq!(client.reply(), (STATUS, 2, 15));
    drop(go);
    let mut ended = [client.reply(), client.reply()];
    ended.sort_unstable();
    assert_eq!(ended, [(STATUS, 1, 0), (STATUS, 2, 0)]);
}

pub fn output_is_the_clients(_: &Lab) {
    let node = Node::of_ours("n1");
    let client = Client::connect(&node.channel);
    let null = File::open("/dev/null").unwrap();
    let (mut out, inside) = pipe()
        .map(|(out, inside)| (File::from(out), inside))
        .unwrap();
    let three = [null.as_fd(), inside.as_fd(), inside.as_fd()];
    let command = request(1, &["sh", "-c", "echo $PPID; ls /proc/self/fd | wc -l"]);
    client.try_send(&command, &three).unwrap();
    drop(inside);
    let mut text = String::new();
    out.read_to_string(&mut text).unwrap();
    // The three, and the one of ls that lists them.
    assert_eq!(text, "1\n4\n");
    assert_eq!(client.finish(1).1, 0);
}

pub fn a_signal_is_for_a_command_of_the_same_connection(_: &Lab) {
    let node = Node::of_ours("n1");
    let (client, other) = (
        Client::connect(&node.channel),
        Client::connect(&node.channel),
    );
    client.request(5, &["sleep", "60"]);
    assert_eq!(client.reply().0, ACK);
    other.signal(5, 9);
    other.is_served();
    client.signal(6, 9);
    client.signal(5, 1000);
    client.signal(5, 0);
    client.is_served();
    client.signal(5, 12);
    assert_eq!(client.reply(), (STATUS, 5, 12));

    // A command outlives its connection, and nobody hears of its end.
    client.request(5, &["sleep", "60"]);
    assert_eq!(client.reply().0, ACK);
    drop(client);
    other.is_served();
    let [command] = node.children()[..] else {
        panic!("{:?}", node.children());
    };
    nix::sys::signal::kill(command, nix::sys::signal::SIGKILL).unwrap();
    eventually("the command ends", || node.children().is_empty());
    other.is_served();
}

/// Packets that are no requests.
fn wrong_packets() -> Vec<Vec<u8>> {
    let whole = request(1, &["touch", "/run/wrong"]);
    let header = |kind: u32, length: u32| [kind.to_ne_bytes(), length.to_ne_bytes()].concat();
    let with =
        |wrong: Vec<u8>| packet(REQUEST, &[argument("touch"), argument("/run/wrong"), wrong]);
    let mut wrong = vec![
        whole[..1].to_vec(),
        whole[..7].to_vec(),
        whole[..whole.len() - 1].to_vec(),
        [&whole[..], b"\0"].concat(),
        header(REQUEST, 0),
        header(REQUEST, u32::MAX),
        with(value(ARGUMENT, b"no end")),
        with(value(ID, b"12345")),
        with(value(ID, b"123")),
        packet(ACK, &[number(ID, 1), number(6, 1)]),
        packet(STATUS, &[number(ID, 1), number(7, 1)]),
    ];
    for kind in [0, 5, 9, 1 << 31, u32::MAX] {
        wrong.push(packet(kind, &[number(ID, 1), argument("true")]));
    }
    wrong
}

fn nothing_is_said_of_what_is_rejected(path: &str) {
    let client = Client::connect(path);
    let null = File::open("/dev/null").unwrap();
    for packet in wrong_packets() {
        client.send(&packet);
        client.try_send(&packet, &[null.as_fd(); 3]).unwrap();
        client.is_served();
    }
    assert!(!Path::new("/run/wrong").exists());
}

pub fn rejected_messages_have_no_answer_and_no_effect(_: &Lab) {
    let node = Node::of_ours("n1");
    let client = Client::connect(&node.channel);
    client.is_served();
    let before = node.descriptors();
    nothing_is_said_of_what_is_rejected(&node.channel);
    for kind in [0, 2, 3, 4, 9, 1000, u32::MAX] {
        // Values of unknown types, without length, or longer than the packet.
        let cut = [kind.to_ne_bytes(), 1000_u32.to_ne_bytes()].concat();
        let odd = [argument("true"), value(kind, b"odd"), value(kind, b""), cut];
        client.send(&packet(REQUEST, &odd));
        assert_eq!(client.finish(0).1, 0, "type {kind}");
    }
    eventually("the other client is let go", || {
        node.descriptors() == before
    });
}

pub fn descriptors_come_in_threes(_: &Lab) {
    let node = Node::of_ours("n1");
    let client = Client::connect(&node.channel);
    client.is_served();
    let before = node.descriptors();
    let null = File::open("/dev/null").unwrap();
    let command = request(1, &["touch", "/run/wrong"]);
    for count in [1, 2, 4, 253] {
        let descriptors = vec![null.as_fd(); count];
        client.try_send(&command, &descriptors).unwrap();
        client.is_served();
    }
    assert_eq!(node.descriptors(), before);
    assert!(!Path::new("/run/wrong").exists());
}

pub fn descriptors_that_there_is_no_room_for_are_closed(_: &Lab) {
    let node = Node::of_ours("n1");
    let pid = node.pid.to_string();
    let outcome = run("prlimit", &["--pid", &pid, "--nofile=13"]);
    assert_eq!((outcome.status, &*outcome.err), (0, ""));
    // There is room for thirteen, of which it has nine itself.
    let clients = [(); 2].map(|()| Client::connect(&node.channel));
    clients.iter().for_each(Client::is_served);
    let before = node.descriptors();
    assert_eq!(before.len(), 11, "{before:?}");
    let null = File::open("/dev/null").unwrap();
    for _ in 0..3 {
        let packet = request(1, &["touch", "/run/wrong"]);
        clients[0].try_send(&packet, &[null.as_fd(); 3]).unwrap();
        assert_eq!(clients[0].reply(), (ACK, 1, -1));
    }
    eventually("they are closed", || node.descriptors() == before);
    assert!(!Path::new("/run/wrong").exists());
    // Of more clients than it has room for, the next one waits for a place.
    let more = [(); 3].map(|()| Client::connect(&node.channel));
    more[..2].iter().for_each(Client::is_served);
    more[2].request(1, &["true"]);
    drop(clients);
    assert_eq!(more[2].finish(1).1, 0);
}

fn the_longest_packets_are_taken(path: &str) {
    let client = Client::connect(path);
    let sized = |length: usize| {
        let empty = request(1, &["true", ""]).len();
        let packet = request(1, &["true", &"x".repeat(length - empty)]);
        assert_eq!(packet.len(), length);
        packet
    };
    client.send(&sized(65535));
    assert_eq!(client.finish(1).1, 0);
    for length in [65536, 65537, 100_000] {
        client.send(&sized(length));
    }
    client.is_served();

    let arguments = |count: usize| request(1, &vec!["true"; count]);
    client.send(&arguments(1023));
    assert_eq!(client.finish(1).1, 0);
    client.send(&arguments(2000));
    client.is_served();
}

pub fn a_packet_has_its_limits(_: &Lab) {
    let node = Node::of_ours("n1");
    the_longest_packets_are_taken(&node.channel);
    let client = Client::connect(&node.channel);
    client.request(1, &["true"; 1024]);
    client.is_served();
    // Without a command there is nothing to start.
    client.request(1, &[]);
    assert_eq!(client.reply(), (ACK, 1, -1));
}

pub fn a_client_that_never_reads_is_nobodys_problem(_: &Lab) {
    let node = Node::of_ours("n1");
    let (deaf, other) = (
        Client::connect(&node.channel),
        Client::connect(&node.channel),
    );
    // Each is answered, and none of the answers is read.
    for id in 0..500 {
        deaf.request(id, &[]);
    }
    other.is_served();
    for id in 0..500 {
        assert_eq!(deaf.reply(), (ACK, id, -1));
    }
    // One that lets too many pile up is let go.
    let sent = (0..100_000).find(|&id| deaf.try_send(&request(id, &[]), &[]).is_err());
    assert!(sent.is_some(), "the server remembers without end");
    other.is_served();
    eventually("the connection is closed", || deaf.receive().is_none());
}

pub fn a_signal_at_once_does_no_harm(_: &Lab) {
    let node = Node::of_ours("n1");
    let client = Client::connect(&node.channel);
    for id in 0..50 {
        client.request(id, &["sleep", "60"]);
        assert_eq!(client.reply().0, ACK);
        client.signal(id, 15);
        assert_eq!(client.reply(), (STATUS, id, 15));
        assert!(Path::new(&node.channel).exists() && Path::new(&node.pid_file).exists());
    }
    client.is_served();
    node.stop();
}
