//! How an attempt begins another way than the one before, and which attempt is believed where none is proven.

use std::fmt;
use std::str::FromStr;

/// What is different about an attempt after the first. All that is named applies to each of them; with nothing named,
/// every attempt would be the first again.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Variation {
    /// It thinks about a random symmetric form of the question; the answer is mapped back.
    pub symmetry: bool,
    /// It begins in random states instead of the model's own H_init and L_init, drawn as those of an untrained model
    /// are: one vector for all positions, truncated normal of variance 1.
    pub start: bool,
    /// Normal noise of this standard deviation is added to every number of the latent state before the first step. The
    /// model's own states have variance 1, and so have those after each layer.
    pub noise: f32,
    /// It goes on from where an attempt before it left off, and guesses: the cell of which it is surest among those of which it is
    /// not sure gets its likeliest symbol, as if it were given; the others are for attempts to come. Nothing else is different
    /// about such an attempt.
    pub guess: bool,
}

impl Variation {
    /// Random symmetric forms, the model's own start.
    pub const SYMMETRY: Variation = Variation {
        symmetry: true,
        start: false,
        noise: 0.0,
        guess: false,
    };
    /// Guesses.
    pub const GUESS: Variation = Variation {
        symmetry: false,
        start: false,
        noise: 0.0,
        guess: true,
    };
}

/// A list of variations that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected `symmetry`, `start` and `noise=SIGMA` (above 0, at most 100), each once, or `guess` alone, found `{0}`"
)]
pub struct VariationError(String);

impl FromStr for Variation {
    type Err = VariationError;

    /// Reads a list as the command line has it: `symmetry,start,noise=0.5`, in any order.
    fn from_str(list: &str) -> Result<Self, VariationError> {
        if list.trim() == "guess" {
            return Ok(Variation::GUESS);
        }
        let mut variation = Variation {
            symmetry: false,
            ..Variation::SYMMETRY
        };
        for part in list.split(',').map(str::trim) {
            let sigma = part.strip_prefix("noise=").and_then(|n| n.parse().ok());
            let new = match (part, sigma) {
                ("symmetry", _) => !std::mem::replace(&mut variation.symmetry, true),
                ("start", _) => !std::mem::replace(&mut variation.start, true),
                (_, Some(sigma)) if sigma > 0.0 && sigma <= 100.0 => {
                    std::mem::replace(&mut variation.noise, sigma) == 0.0
                }
                _ => false,
            };
            if !new {
                return Err(VariationError(part.to_owned()));
            }
        }
        Ok(variation)
    }
}

impl fmt::Display for Variation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names = Vec::new();
        names.extend(self.symmetry.then(|| "symmetry".to_owned()));
        names.extend(self.start.then(|| "start".to_owned()));
        names.extend(self.guess.then(|| "guess".to_owned()));
        names.extend((self.noise > 0.0).then(|| format!("noise={}", self.noise)));
        f.write_str(&names.join(","))
    }
}

/// The attempt to believe where the task has no rule check or none of them is proven: its answer was found most often;
/// among those, its halting logit is the highest; among those, it came first. `None` without attempts.
pub fn elect<T: PartialEq>(attempts: &[(T, f32)]) -> Option<usize> {
    let votes = |answer: &T| attempts.iter().filter(|(a, _)| a == answer).count();
    let rank = |i: usize| (votes(&attempts[i].0), attempts[i].1);
    (0..attempts.len()).reduce(|best, i| {
        let ((most, top), (votes, halt)) = (rank(best), rank(i));
        // A logit that is not a number is below all others.
        let better =
            votes > most || votes == most && (halt > top || top.is_nan() && !halt.is_nan());
        if better { i } else { best }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lists_are_read_as_they_are_written() {
        for list in [
            "symmetry",
            "start",
            "guess",
            "noise=0.5",
            "symmetry,start,noise=2",
        ] {
            let variation: Variation = list.parse().unwrap();
            assert_eq!(variation.to_string(), list);
        }
        let mixed: Variation = " noise=1e-3 , symmetry".parse().unwrap();
        assert_eq!(
            (mixed.symmetry, mixed.start, mixed.noise),
            (true, false, 1e-3)
        );
        for (list, found) in [
            ("", ""),
            ("symmetry,", ""),
            ("symmetry,symmetry", "symmetry"),
            ("noise=1,noise=2", "noise=2"),
            ("noise", "noise"),
            ("noise=0", "noise=0"),
            ("noise=NaN", "noise=NaN"),
            ("noise=-1", "noise=-1"),
            ("noise=inf", "noise=inf"),
            ("luck", "luck"),
            ("symmetry,guess", "guess"),
        ] {
            assert_eq!(list.parse::<Variation>(), Err(VariationError(found.into())));
        }
    }

    #[test]
    fn votes_count_before_logits_and_logits_before_order() {
        assert_eq!(elect::<u8>(&[]), None);
        assert_eq!(elect(&[('a', 9.0), ('b', 1.0), ('b', 2.0)]), Some(2));
        assert_eq!(elect(&[('a', 1.0), ('b', 2.0)]), Some(1));
        assert_eq!(elect(&[('a', 1.0), ('b', 1.0)]), Some(0));
        assert_eq!(elect(&[('a', f32::NAN), ('b', -9.0)]), Some(1));
        assert_eq!(elect(&[('a', -9.0), ('b', f32::NAN)]), Some(0));
    }

    proptest! {
        #![proptest_config(crate::testing::cases(256))]

        #[test]
        fn nobody_has_more_votes_than_who_is_elected(
            attempts in prop::collection::vec((0u8..4, -3i8..3), 1..20)
        ) {
            let attempts: Vec<_> = attempts.into_iter().map(|(a, h)| (a, f32::from(h))).collect();
            let votes = |a: u8| attempts.iter().filter(|x| x.0 == a).count();
            let (answer, halt) = attempts[elect(&attempts).unwrap()];
            for &(other, logit) in &attempts {
                prop_assert!(votes(other) <= votes(answer));
                prop_assert!(votes(other) < votes(answer) || logit <= halt);
            }
        }
    }
}
