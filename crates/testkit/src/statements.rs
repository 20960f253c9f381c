//! Reads the statements that go to a PostgreSQL.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

/// Stands before a PostgreSQL of this machine, and reads what clients say in the clear.
pub struct Statements {
    seen: Arc<Seen>,
    url: String,
}

/// The texts of the statements that were executed.
#[derive(Default)]
struct Seen(Mutex<Vec<String>>);

impl Seen {
    fn texts(&self) -> MutexGuard<'_, Vec<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Statements {
    /// Before the server of this URL.
    pub fn before(url: &str) -> Self {
        let (scheme, rest) = url
            .split_once("127.0.0.1:")
            .expect("the server is on this machine");
        let (server, name) = rest.split_once('/').expect("the URL names a database");
        let server: u16 = server.parse().expect("the URL has a port");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
        let port = listener.local_addr().expect("it listens").port();
        let seen = Arc::<Seen>::default();
        let reading = Arc::clone(&seen);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // It ends when either end does.
                let _ = stand_between(client, server, &reading);
            }
        });
        let separator = if name.contains('?') { '&' } else { '?' };
        Self {
            seen,
            url: format!("{scheme}127.0.0.1:{port}/{name}{separator}sslmode=disable"),
        }
    }

    /// The database behind it.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// How many there were so far.
    pub fn count(&self) -> usize {
        self.seen.texts().len()
    }

    /// How many of them contain this.
    pub fn count_of(&self, part: &str) -> usize {
        let texts = self.seen.texts();
        texts.iter().filter(|text| text.contains(part)).count()
    }
}

fn stand_between(client: TcpStream, server: u16, seen: &Arc<Seen>) -> io::Result<()> {
    let server = TcpStream::connect((Ipv4Addr::LOCALHOST, server))?;
    let (mut answers, mut asking) = (server.try_clone()?, client.try_clone()?);
    let seen = Arc::clone(seen);
    thread::spawn(move || {
        let _ = pass_on(&client, &server, &seen);
        let _ = server.shutdown(Shutdown::Both);
    });
    thread::spawn(move || {
        let _ = io::copy(&mut answers, &mut asking);
        let _ = asking.shutdown(Shutdown::Both);
    });
    Ok(())
}

/// The messages of a client
/// (<https://www.postgresql.org/docs/current/protocol-message-formats.html>): the first has no
/// type, and each has its length.
fn pass_on(mut from: &TcpStream, mut to: &TcpStream, seen: &Seen) -> io::Result<()> {
    let mut is_first = true;
    let mut prepared = Prepared::default();
    loop {
        let mut kind = [0; 1];
        let is_typed = !std::mem::take(&mut is_first);
        if is_typed {
            from.read_exact(&mut kind)?;
        }
        let mut length = [0; 4];
        from.read_exact(&mut length)?;
        let rest = usize::try_from(u32::from_be_bytes(length)).map_err(io::Error::other)?;
        let mut body = vec![0; rest.saturating_sub(length.len())];
        from.read_exact(&mut body)?;
        // Known before the server hears of it, and so before anybody has its answer.
        seen.texts().extend(prepared.read(kind[0], &body));
        let kind = if is_typed { &kind[..] } else { &[] };
        to.write_all(&[kind, &length, &body].concat())?;
    }
}

/// What a connection has prepared: statements by name, and portals by theirs.
#[derive(Default)]
struct Prepared {
    statements: HashMap<String, String>,
    portals: HashMap<String, String>,
}

impl Prepared {
    /// The statements that a message executes.
    fn read(&mut self, kind: u8, body: &[u8]) -> Vec<String> {
        let mut texts = body.split(|byte| *byte == 0).map(String::from_utf8_lossy);
        let mut text = || texts.next().unwrap_or_default().into_owned();
        match kind {
            // Parse: a name, a text.
            b'P' => {
                let name = text();
                self.statements.insert(name, text());
                Vec::new()
            }
            // Bind: a portal, the name of a statement.
            b'B' => {
                let portal = text();
                let statement = self.statements.get(&text()).cloned();
                self.portals.insert(portal, statement.unwrap_or_default());
                Vec::new()
            }
            // Execute: a portal.
            b'E' => vec![self.portals.get(&text()).cloned().unwrap_or_default()],
            // Query: a text of one or more.
            b'Q' => {
                let all = text();
                let parts = all.split(';').filter(|part| !part.trim().is_empty());
                parts.map(str::to_owned).collect()
            }
            _ => Vec::new(),
        }
    }
}
