use proptest::prelude::*;

use super::*;

fn found(text: &[u8], in_url: bool, cuts: &[usize], by_byte: bool) -> (Vec<Range<u64>>, u64) {
    let (mut word, mut names, mut found) = (Word::default(), Names::default(), Vec::new());
    let (mut rest, mut next) = (text, 0);
    word.begin(in_url);
    for cut in cuts.iter().copied().chain([text.len()]) {
        let (part, behind) = rest.split_at(cut.min(rest.len()));
        rest = behind;
        let read = if by_byte {
            let ended = part.iter().any(|byte| {
                next += 1;
                word.read(*byte, next - 1, &mut names, &mut found) == Read::End
            });
            if ended { Read::End } else { Read::More }
        } else {
            word.read_on(part, &mut next, &mut names, &mut found)
        };
        if read == Read::End {
            break;
        }
    }
    word.close(next, &mut found);
    (found, next)
}

proptest! {
    #[test]
    fn many_characters_at_once_are_read_as_one_by_one(
        text in "(x@|)(api\\.telegram\\.org/|API.Telegram.org/|hooks.slack.com/|discord.com/api/|a//|)\
            (bot|BOt|services/|webhooks/|[a-z/]{0,90}|)\
            ([?&;#:/@]|%3F|%26|\\\\|\\\\u0026|\u{1b}\\[1m|)\
            ((token|key|page|[a-z]{0,70})(=|%3D|==)[a-z0-9]{0,6}[&;# %/\\\\]{0,2}){0,4}",
        in_url in any::<bool>(),
        cuts in prop::collection::vec(0_usize..20, 0..6),
    ) {
        let text = text.as_bytes();
        let expected = found(text, in_url, &cuts, true);
        prop_assert_eq!(found(text, in_url, &cuts, false), expected);
    }
}
