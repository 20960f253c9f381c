use std::convert::Infallible;

use futures_util::{SinkExt, StreamExt, stream};
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

/// A message of a made-up WebSocket.
#[derive(Debug, PartialEq, Eq)]
enum Message {
    Binary(Bytes),
    Ping,
    Close,
}

fn codec() -> Codec<Message> {
    Codec {
        wrap: Message::Binary,
        open: |message| match message {
            Message::Binary(bytes) => Received::Bytes(bytes),
            Message::Ping => Received::Control,
            Message::Close => Received::Close,
        },
    }
}

/// What is read from these messages.
async fn read(messages: Vec<Message>) -> Vec<u8> {
    let socket = stream::iter(messages.into_iter().map(Ok::<_, Infallible>));
    let mut bytes = Vec::new();
    let mut stream = ByteStream::new(socket, codec());
    stream.read_to_end(&mut bytes).await.unwrap();
    bytes
}

/// The messages that these writes lead to, with a flush behind each that asks for one.
async fn write(writes: &[(Vec<u8>, bool)]) -> Vec<Bytes> {
    let (sender, receiver) = futures_channel();
    let mut stream = ByteStream::new(sender, codec());
    for (bytes, flush) in writes {
        stream.write_all(bytes).await.unwrap();
        if *flush {
            stream.flush().await.unwrap();
        }
    }
    stream.shutdown().await.unwrap();
    receiver()
}

/// A sink of messages and what has gone into it.
fn futures_channel() -> (
    impl Sink<Message, Error = io::Error> + Unpin,
    impl FnOnce() -> Vec<Bytes>,
) {
    let (sender, receiver) = std::sync::mpsc::channel();
    let sink = Box::pin(futures_util::sink::unfold(
        sender,
        async |sender, message| {
            sender.send(message).map_err(io::Error::other)?;
            Ok(sender)
        },
    ));
    let collect = move || {
        let bytes = receiver.try_iter().map(|message| match message {
            Message::Binary(bytes) => bytes,
            other => panic!("unexpected {other:?}"),
        });
        bytes.collect()
    };
    (sink, collect)
}

fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread();
    { runtime }.build().unwrap().block_on(future)
}

#[tokio::test]
async fn pings_are_passed_over_and_a_close_is_the_end() {
    let bytes = |text: &'static str| Message::Binary(Bytes::from_static(text.as_bytes()));
    let messages = vec![
        bytes("one "),
        Message::Ping,
        bytes(""),
        bytes("two"),
        Message::Close,
        bytes("three"),
    ];
    assert_eq!(read(messages).await, b"one two");
}

#[tokio::test]
async fn nothing_is_sent_for_an_empty_flush() {
    let writes = [(vec![], true), (vec![1, 2], true), (vec![], true)];
    assert_eq!(write(&writes).await, [Bytes::from_static(&[1, 2])]);
}

#[tokio::test]
async fn several_buffers_are_written_at_once() {
    let (sender, receiver) = futures_channel();
    let mut stream = ByteStream::new(sender, codec());
    let slices = [io::IoSlice::new(b"head"), io::IoSlice::new(b"body")];
    assert_eq!(stream.write_vectored(&slices).await.unwrap(), 8);
    stream.flush().await.unwrap();
    assert_eq!(receiver(), [Bytes::from_static(b"headbody")]);
}

#[tokio::test]
async fn an_error_of_the_socket_is_an_error_of_the_stream() {
    let socket = stream::once(async { Err(io::Error::other("broken")) }).boxed();
    let mut stream = ByteStream::new(socket, codec());
    assert!(stream.read_u8().await.is_err());
    let socket = futures_util::sink::drain().sink_map_err(|_| io::Error::other("broken"));
    ByteStream::new(socket, codec())
        .write_all(b"x")
        .await
        .unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn bytes_arrive_as_written_however_they_were_cut(
        writes in prop::collection::vec(
            (prop::collection::vec(any::<u8>(), 0..100_000), any::<bool>()), 0..8,
        ),
    ) {
        let written: Vec<u8> = writes.iter().flat_map(|(bytes, _)| bytes.clone()).collect();
        let (messages, back) = block_on(async {
            let messages = write(&writes).await;
            let back = read(messages.iter().cloned().map(Message::Binary).collect()).await;
            (messages, back)
        });
        prop_assert!(back == written);
        prop_assert!(messages.iter().all(|bytes| (1..=MESSAGE_BYTES).contains(&bytes.len())));
    }
}
