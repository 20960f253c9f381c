//! As much of an HTTP/1.1 client as is needed, so that the client costs next to nothing.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// Longer than any answer takes.
const PATIENCE: Duration = Duration::from_mins(1);
const LONGEST_LINE: u64 = 16 * 1024;

/// A connection that is kept.
pub(crate) struct Connection(BufReader<TcpStream>);

/// A request, ready to be sent any number of times.
#[derive(Clone)]
pub(crate) struct Request(Vec<u8>);

/// What the automation API answers to an exec, as far as it is needed.
#[derive(Debug, Deserialize)]
pub(crate) struct Executed {
    pub(crate) operation_id: String,
    status: String,
    exit_code: Option<i32>,
}

impl Request {
    /// A request that nothing is needed for but HTTP itself.
    pub(crate) fn liveness(host: &str) -> Self {
        Self(format!("GET /healthz HTTP/1.1\r\nHost: {host}\r\n\r\n").into_bytes())
    }

    /// A request without a body; with a key, where one is needed.
    pub(crate) fn get(host: &str, path: &str, key: Option<&str>) -> Self {
        let key = key.map_or_else(String::new, |key| {
            format!("Authorization: Bearer {key}\r\n")
        });
        let text =
            format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{key}User-Agent: reoclo-bench\r\n\r\n");
        Self(text.into_bytes())
    }

    /// A request for a page, as a browser sends it.
    pub(crate) fn page(host: &str, path: &str, session: &str) -> Self {
        let text = format!(
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nCookie: reoclo_session={session}\r\n\
             Accept: text/html\r\nUser-Agent: reoclo-bench\r\n\r\n"
        );
        Self(text.into_bytes())
    }

    /// A request with a key and a JSON body.
    pub(crate) fn post(host: &str, path: &str, key: &str, body: &str) -> Self {
        let length = body.len();
        let text = format!(
            "POST {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {key}\r\n\
             User-Agent: reoclo-bench\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        );
        Self(text.into_bytes())
    }
}

impl Connection {
    pub(crate) fn open(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address);
        let stream = stream.with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self(BufReader::with_capacity(64 * 1024, stream)))
    }

    /// Runs a command that has to succeed before it is answered.
    pub(crate) fn exec(&mut self, request: &Request) -> Result<Executed> {
        let body = self.send(request)?;
        let executed: Executed = serde_json::from_slice(&body)?;
        if executed.status != "completed" || executed.exit_code != Some(0) {
            bail!("the command did not succeed: {executed:?}");
        }
        Ok(executed)
    }

    /// Sends it, and hangs up when something is answered or after `patience`.
    pub(crate) fn send_and_leave(mut self, request: &Request, patience: Duration) -> Result<()> {
        let stream = self.0.get_mut();
        stream.set_read_timeout(Some(patience))?;
        stream.write_all(&request.0)?;
        match stream.read(&mut [0; 1])? {
            0 => bail!("the connection was closed"),
            _ => Ok(()),
        }
    }

    /// Sends it and reads the body of the answer, which has to be a 200.
    pub(crate) fn send(&mut self, request: &Request) -> Result<Vec<u8>> {
        self.0.get_mut().write_all(&request.0)?;
        let status = self.line()?;
        let mut length = None;
        loop {
            let line = self.line()?;
            if line.is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = Some(value.trim().parse()?);
            }
        }
        let mut body = vec![0; length.context("the answer has no length")?];
        self.0.read_exact(&mut body)?;
        if status.split(' ').nth(1) != Some("200") {
            bail!("{status}: {}", String::from_utf8_lossy(&body));
        }
        Ok(body)
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        (&mut self.0).take(LONGEST_LINE).read_line(&mut line)?;
        if !line.ends_with("\r\n") {
            bail!("the connection was closed");
        }
        line.truncate(line.len() - 2);
        Ok(line)
    }
}
