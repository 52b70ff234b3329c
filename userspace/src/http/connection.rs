// SPDX-License-Identifier: MIT OR Apache-2.0

//! One connection: a request comes in, its answer goes out.

use std::io::{ErrorKind, IoSlice, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::poll::PollFlags;

use super::{Request, Response, Status};

/// No request of a reader that means well is longer.
const LONGEST: usize = 8 * 1024;
const MOST_HEADERS: usize = 64;

/// How long a request may take to come, and its answer to go.
const FOR_REQUEST: Duration = Duration::from_secs(5);
const FOR_ANSWER: Duration = Duration::from_secs(30);
/// And what comes after it may, which is thrown away: to close while something is
/// unread would throw away what the reader has not read.
const FOR_REST: Duration = Duration::from_secs(1);

pub struct Connection {
    stream: TcpStream,
    state: State,
    deadline: Instant,
}

enum State {
    Reading(Vec<u8>),
    Writing { answer: Answer, sent: usize },
    Closing,
}

/// What goes out: a head of its own, and a body that it shares with others.
struct Answer {
    head: Vec<u8>,
    body: Arc<str>,
}

impl Answer {
    /// What is left when so much was sent.
    fn rest(&self, sent: usize) -> [IoSlice<'_>; 2] {
        let (head, body) = (&self.head, self.body.as_bytes());
        let in_body = sent.saturating_sub(head.len());
        [&head[sent.min(head.len())..], &body[in_body..]].map(IoSlice::new)
    }

    fn length(&self) -> usize {
        self.head.len() + self.body.len()
    }
}

#[derive(Debug, PartialEq, Eq)]
pub enum Progress {
    Pending,
    Done,
}

impl Connection {
    /// Nothing, where the connection is gone already.
    pub fn new(stream: TcpStream) -> Option<Self> {
        stream.set_nonblocking(true).ok()?;
        Some(Connection {
            stream,
            state: State::Reading(Vec::new()),
            deadline: Instant::now() + FOR_REQUEST,
        })
    }

    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// What it waits for.
    pub fn wants(&self) -> PollFlags {
        match self.state {
            State::Reading(_) | State::Closing => PollFlags::POLLIN,
            State::Writing { .. } => PollFlags::POLLOUT,
        }
    }

    /// Does all that can be done without waiting. Only who would have to be waited for
    /// can be late: what came in time may have lain here while others were answered.
    pub fn go_on(&mut self, answer: &mut impl FnMut(&Request) -> Response) -> Progress {
        loop {
            let went = match &mut self.state {
                State::Reading(_) => self.read(answer),
                State::Writing { .. } => self.write(),
                State::Closing => self.discard(),
            };
            match went {
                Step::Next => {}
                Step::Waits if Instant::now() < self.deadline => return Progress::Pending,
                Step::Waits => return Progress::Done,
                Step::Over => return Progress::Done,
            }
        }
    }

    fn read(&mut self, answer: &mut impl FnMut(&Request) -> Response) -> Step {
        let State::Reading(request) = &mut self.state else {
            return Step::Next;
        };
        let mut bytes = [0; 2048];
        match self.stream.read(&mut bytes) {
            Ok(0) => return Step::Over,
            Ok(length) => request.extend(&bytes[..length]),
            Err(error) => return Step::after(error.kind()),
        }
        let Some(answer) = respond(request, answer) else {
            return Step::Next;
        };
        self.state = State::Writing { answer, sent: 0 };
        self.deadline = Instant::now() + FOR_ANSWER;
        Step::Next
    }

    fn write(&mut self) -> Step {
        let State::Writing { answer, sent } = &mut self.state else {
            return Step::Next;
        };
        match self.stream.write_vectored(&answer.rest(*sent)) {
            Ok(length) => *sent += length,
            Err(error) => return Step::after(error.kind()),
        }
        if *sent == answer.length() {
            // The end of the answer is the end of what is sent.
            if self.stream.shutdown(Shutdown::Write).is_err() {
                return Step::Over;
            }
            self.state = State::Closing;
            self.deadline = Instant::now() + FOR_REST;
        }
        Step::Next
    }

    fn discard(&mut self) -> Step {
        match self.stream.read(&mut [0; 2048]) {
            Ok(0) => Step::Over,
            // Not at once: who sends without an end takes turns with the others.
            Ok(_) => Step::Waits,
            Err(error) => Step::after(error.kind()),
        }
    }
}

enum Step {
    Next,
    Waits,
    Over,
}

impl Step {
    fn after(error: ErrorKind) -> Self {
        match error {
            ErrorKind::Interrupted => Step::Next,
            ErrorKind::WouldBlock => Step::Waits,
            _ => Step::Over,
        }
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

/// The answer to a request, as it goes out; nothing, while it is not whole.
fn respond(bytes: &[u8], answer: impl FnOnce(&Request) -> Response) -> Option<Answer> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut parsed = httparse::Request::new(&mut headers);
    let refuse = |status, text: &str| Some(written(Response::text(status, text), true));
    match parsed.parse(bytes) {
        Ok(httparse::Status::Partial) if bytes.len() < LONGEST => return None,
        Ok(httparse::Status::Complete(length)) if length <= LONGEST => {}
        Ok(_) | Err(httparse::Error::TooManyHeaders) => {
            return refuse(
                Status::HeadTooLarge,
                "that is more than is asked of anybody here",
            );
        }
        Err(error) => return refuse(Status::BadRequest, &format!("not understood: {error}")),
    }
    let target = parsed.path.unwrap_or_default();
    let accept = (parsed.headers.iter())
        .find(|header| header.name.eq_ignore_ascii_case("accept"))
        .and_then(|header| std::str::from_utf8(header.value).ok());
    let request = Request {
        path: target.split('?').next().unwrap_or_default(),
        accept: accept.unwrap_or_default(),
    };
    match parsed.method {
        Some("GET") => Some(written(answer(&request), true)),
        Some("HEAD") => Some(written(answer(&request), false)),
        _ => refuse(Status::MethodNotAllowed, "only GET and HEAD are known here"),
    }
}

fn written(response: Response, with_body: bool) -> Answer {
    let Response { status, kind, body } = response;
    let allow = match status {
        Status::MethodNotAllowed => "Allow: GET, HEAD\r\n",
        _ => "",
    };
    let head = format!(
        "HTTP/1.1 {}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n{allow}Connection: close\r\n\r\n",
        status.line(),
        body.len()
    );
    Answer {
        head: head.into_bytes(),
        body: if with_body { body } else { "".into() },
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use nix::poll::{PollFd, poll};

    use super::*;

    fn answer(bytes: &[u8]) -> Option<String> {
        let answer = respond(bytes, |request| {
            Response::text(
                Status::Ok,
                format!("{} as {}", request.path, request.accept),
            )
        });
        answer.map(|answer| String::from_utf8(answer.head).unwrap() + &answer.body)
    }

    #[test]
    fn a_request_is_answered_when_it_is_whole() {
        let request = b"GET /metrics?x=1 HTTP/1.1\r\nHost: x\r\naccept: text/plain\r\n\r\n";
        for end in 0..request.len() {
            assert_eq!(answer(&request[..end]), None, "{end} bytes");
        }
        assert_eq!(
            answer(request).unwrap(),
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 23\r\nConnection: close\r\n\r\n/metrics as text/plain\n"
        );
        let head = answer(b"HEAD /metrics HTTP/1.0\r\n\r\n").unwrap();
        assert!(
            head.contains("Content-Length: 13\r\n") && head.ends_with("\r\n\r\n"),
            "{head}"
        );
    }

    #[test]
    fn an_answer_goes_on_where_it_stopped() {
        let answer = Answer {
            head: b"head".to_vec(),
            body: "body".into(),
        };
        for sent in 0..=answer.length() {
            let rest = answer.rest(sent).map(|it| it.to_vec()).concat();
            assert_eq!(rest, b"headbody"[sent..], "{sent}");
        }
    }

    /// A connection whose time is up, and the reader at its other end.
    fn late() -> (Connection, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let reader = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let mut connection = Connection::new(listener.accept().unwrap().0).unwrap();
        connection.deadline = Instant::now();
        (connection, reader)
    }

    #[test]
    fn what_came_in_time_is_answered_however_long_it_lay() {
        let mut answer = |_: &Request| Response::text(Status::Ok, "here");
        let (mut connection, mut reader) = late();
        reader.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
        let mut ready = [PollFd::new(connection.as_fd(), PollFlags::POLLIN)];
        assert_eq!(poll(&mut ready, 10_000_u16), Ok(1));
        connection.go_on(&mut answer);
        drop(connection);
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert!(text.starts_with("HTTP/1.1 200 OK"), "{text}");
        // And nobody else is waited for.
        let (mut connection, _reader) = late();
        assert_eq!(connection.go_on(&mut answer), Progress::Done);
    }

    #[test]
    fn what_is_no_request_is_refused() {
        let many = format!(
            "GET / HTTP/1.1\r\n{}\r\n",
            "a: b\r\n".repeat(MOST_HEADERS + 1)
        );
        let long = format!("GET /{} HTTP/1.1\r\n", "x".repeat(LONGEST));
        for (request, status) in [
            ("POST /metrics HTTP/1.1\r\n\r\n", "405"),
            ("GET / SPDY/3\r\n\r\n", "400"),
            ("\0\0\0\0", "400"),
            (&*many, "431"),
            (&*long, "431"),
        ] {
            let answer = answer(request.as_bytes()).unwrap();
            assert!(
                answer.starts_with(&format!("HTTP/1.1 {status} ")),
                "{answer}"
            );
        }
    }
}
