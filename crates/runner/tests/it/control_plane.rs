//! Something that answers as a control plane does, as far as a runner sees it.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http::{HeaderMap, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use reoclo_wire::byte_stream::{ByteStream, Codec, Received};
use reoclo_wire::enrolment::{EnrolReply, EnrolRequest};
use reoclo_wire::handshake::{
    Challenge, CloseCode, Proof, Welcome, public_key, sign_farewell, sign_welcome, verify,
    verify_machine,
};
use ring::signature::Ed25519KeyPair;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role};

use crate::supervisor::Client;

pub const CONTROL_PLANE: &str = "0190b6f2-6f0c-7cc3-98c5-0000000000c0";
pub const SERVER: &str = "0190b6f2-6f0c-7cc3-98c5-0000000000a0";
pub const OTHER_SERVER: &str = "0190b6f2-6f0c-7cc3-98c5-0000000000a1";
pub const ORGANIZATION: &str = "0190b6f2-6f0c-7cc3-98c5-0000000000b0";

/// The key that the control plane proves itself with.
pub fn own_key() -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[21; 32]).unwrap()
}

/// Somebody else's.
pub fn foreign_key() -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[22; 32]).unwrap()
}

/// What becomes of the next request, instead of what it asks for.
pub enum Plan {
    Answer(StatusCode, HeaderMap, &'static str),
    /// Taken, and never answered.
    Silence,
}

pub struct ControlPlane {
    pub address: SocketAddr,
    shared: Arc<Shared>,
    sockets: mpsc::UnboundedReceiver<Link>,
}

struct Shared {
    plans: Mutex<VecDeque<Plan>>,
    /// Which server the next token is for.
    server: Mutex<&'static str>,
    enrolments: Mutex<Vec<EnrolRequest>>,
    /// Each request's path, as it comes.
    paths: Mutex<Vec<String>>,
    sockets: mpsc::UnboundedSender<Link>,
}

impl ControlPlane {
    pub async fn start() -> Self {
        Self::listen(TcpListener::bind("127.0.0.1:0").await.unwrap(), None)
    }

    pub fn listen(listener: TcpListener, tls: Option<TlsAcceptor>) -> Self {
        let (sender, sockets) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            plans: Mutex::default(),
            server: Mutex::new(SERVER),
            enrolments: Mutex::default(),
            paths: Mutex::default(),
            sockets: sender,
        });
        let address = listener.local_addr().unwrap();
        tokio::spawn(accept(listener, tls, Arc::clone(&shared)));
        Self {
            address,
            shared,
            sockets,
        }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn plan(&self, plan: Plan) {
        self.shared.plans.lock().unwrap().push_back(plan);
    }

    pub fn set_server(&self, id: &'static str) {
        *self.shared.server.lock().unwrap() = id;
    }

    pub fn enrolments(&self) -> Vec<EnrolRequest> {
        self.shared.enrolments.lock().unwrap().clone()
    }

    pub fn requests(&self, path: &str) -> usize {
        let paths = self.shared.paths.lock().unwrap();
        paths.iter().filter(|seen| *seen == path).count()
    }

    /// The next WebSocket, before its handshake.
    pub async fn socket(&mut self) -> Link {
        self.sockets.recv().await.unwrap()
    }

    /// The next runner that stays, welcomed. One whose supervisor was just killed may still have
    /// reached its socket, and comes again.
    pub async fn runner(&mut self) -> Client {
        loop {
            let mut link = self.socket().await;
            link.challenge().await;
            link.welcome().await;
            if let Some(client) = link.client().await {
                return client;
            }
        }
    }
}

/// A WebSocket with a runner behind it.
pub struct Link {
    pub socket: WebSocketStream<TokioIo<Upgraded>>,
    exchange: Option<(Challenge, Proof)>,
}

impl Link {
    /// Challenges, and gives the proof.
    pub async fn challenge(&mut self) -> (Challenge, Proof) {
        self.challenge_as(CONTROL_PLANE, Some(&own_key()))
            .await
            .unwrap()
    }

    pub async fn challenge_as(
        &mut self,
        id: &str,
        key: Option<&Ed25519KeyPair>,
    ) -> Option<(Challenge, Proof)> {
        let mut challenge = Challenge::new(id, &[7; 32]);
        if let Some(key) = key {
            challenge = challenge.with_key(key);
        }
        self.send(&challenge).await;
        let text = self.socket.next().await?.ok()?.into_text().ok()?;
        let exchange = (challenge, serde_json::from_str(&text).ok()?);
        self.exchange = Some(exchange.clone());
        Some(exchange)
    }

    pub async fn welcome(&mut self) {
        self.welcome_as(&own_key()).await;
    }

    pub async fn welcome_as(&mut self, key: &Ed25519KeyPair) {
        let (challenge, proof) = self.exchange.as_ref().unwrap();
        let signature = sign_welcome(key, challenge, proof, None);
        let welcome = Welcome {
            program: None,
            signature,
        };
        self.send(&welcome).await;
    }

    /// As a control plane does that has no key.
    pub async fn welcome_unsigned(&mut self) {
        self.send(&Welcome::default()).await;
    }

    /// As the control plane does.
    pub async fn close(self, code: CloseCode) {
        self.close_as(code, Some(&own_key())).await;
    }

    pub async fn close_as(mut self, code: CloseCode, key: Option<&Ed25519KeyPair>) {
        if let Some(key) = key {
            let (challenge, proof) = self.exchange.as_ref().unwrap();
            let said = sign_farewell(key, challenge, proof, code.code(), "because").unwrap();
            self.send(&said).await;
        }
        let frame = CloseFrame {
            code: code.code().into(),
            reason: "because".into(),
        };
        // Who was told may be gone.
        let _ = self.socket.close(Some(frame)).await;
        while let Some(Ok(_)) = self.socket.next().await {}
    }

    async fn send<T: serde::Serialize>(&mut self, message: &T) {
        let text = serde_json::to_string(message).unwrap();
        self.socket.send(Message::text(text)).await.unwrap();
    }

    /// The link on top.
    pub async fn client(self) -> Option<Client> {
        Client::try_open(ByteStream::new(self.socket, codec())).await
    }
}

pub fn codec() -> Codec<Message> {
    Codec {
        wrap: Message::Binary,
        open: |message| match message {
            Message::Binary(bytes) => Received::Bytes(bytes),
            Message::Close(_) => Received::Close,
            _ => Received::Control,
        },
    }
}

pub fn is_proven(enrolment: &EnrolRequest, challenge: &Challenge, proof: &Proof) -> bool {
    use base64::Engine;
    let key = base64::engine::general_purpose::STANDARD.decode(&enrolment.public_key);
    let key = key.unwrap();
    verify(&key, challenge, proof)
        && proof.machine.is_some()
        && verify_machine(&key, challenge, proof)
}

async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, shared: Arc<Shared>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let (tls, shared) = (tls.clone(), Arc::clone(&shared));
        tokio::spawn(async move {
            match tls {
                None => serve(stream, shared).await,
                Some(tls) => match tls.accept(stream).await {
                    Ok(stream) => serve(stream, shared).await,
                    Err(_) => shared.paths.lock().unwrap().push("no TLS".to_owned()),
                },
            }
        });
    }
}

async fn serve(io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, shared: Arc<Shared>) {
    let service = service_fn(move |request| answer(request, Arc::clone(&shared)));
    let connection = http1::Builder::new().serve_connection(TokioIo::new(io), service);
    let _ = connection.with_upgrades().await;
}

async fn answer(
    request: Request<Incoming>,
    shared: Arc<Shared>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path().to_owned();
    shared.paths.lock().unwrap().push(path.clone());
    let plan = shared.plans.lock().unwrap().pop_front();
    if path == "/runner/v1/enrol" {
        return Ok(enrol(request, plan, &shared).await);
    }
    match plan {
        None => Ok(upgrade(request, &shared)),
        Some(plan) => Ok(planned(plan).await),
    }
}

async fn planned(plan: Plan) -> Response<Full<Bytes>> {
    match plan {
        Plan::Silence => std::future::pending().await,
        Plan::Answer(status, headers, body) => {
            let mut response = Response::new(Full::from(body));
            *response.status_mut() = status;
            *response.headers_mut() = headers;
            response
        }
    }
}

async fn enrol(
    request: Request<Incoming>,
    plan: Option<Plan>,
    shared: &Shared,
) -> Response<Full<Bytes>> {
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let request = serde_json::from_slice(&body).unwrap();
    shared.enrolments.lock().unwrap().push(request);
    if let Some(plan) = plan {
        return planned(plan).await;
    }
    let reply = EnrolReply {
        server_id: (*shared.server.lock().unwrap()).to_owned(),
        organization_id: ORGANIZATION.to_owned(),
        control_plane_id: CONTROL_PLANE.to_owned(),
        control_plane_key: Some(public_key(&own_key())),
    };
    Response::new(Full::from(serde_json::to_vec(&reply).unwrap()))
}

fn upgrade(request: Request<Incoming>, shared: &Arc<Shared>) -> Response<Full<Bytes>> {
    let key = request.headers()[header::SEC_WEBSOCKET_KEY].clone();
    let sockets = shared.sockets.clone();
    tokio::spawn(async move {
        let Ok(upgraded) = hyper::upgrade::on(request).await else {
            return;
        };
        let io = TokioIo::new(upgraded);
        let socket = WebSocketStream::from_raw_socket(io, Role::Server, None).await;
        let _ = sockets.send(Link {
            socket,
            exchange: None,
        });
    });
    Response::builder()
        .status(StatusCode::SWITCHING_PROTOCOLS)
        .header(header::CONNECTION, "Upgrade")
        .header(header::UPGRADE, "websocket")
        .header(
            header::SEC_WEBSOCKET_ACCEPT,
            derive_accept_key(key.as_bytes()),
        )
        .body(Full::default())
        .unwrap()
}
