//! What is read as a rule, and what is not.

use super::*;
use proptest::prelude::*;

pub(crate) fn calibration() -> Calibration {
    let measured = |rule: &str| Measured {
        rule: rule.parse().unwrap(),
        mean_steps: 1.25,
        exact: 0.75,
        lost: 1,
        won: 0,
        fewest_steps: 1,
        most_steps: 2,
    };
    Calibration {
        count: 4,
        max_steps: 16,
        exact: 1.0,
        loss: 25.0,
        rules: vec![measured("halt=1.5"), measured("plateau=0.1/3")],
    }
}

#[test]
fn lists_are_read_with_and_without_settings() {
    let rules = |text: &str, calibration: Option<&Calibration>| -> Vec<String> {
        let list: RuleList = text.parse().unwrap();
        list.rules(calibration).map(|r| r.to_string()).collect()
    };
    assert_eq!(
        rules("verified, halt,stable , plateau,residual", None),
        [
            "verified",
            "halt=0",
            "stable=2",
            "plateau=0.001/2",
            "residual=0.1"
        ]
    );
    assert_eq!(
        rules("halt=-3,stable = 4,plateau=0.5,residual=1e-9", None),
        [
            "halt=-3",
            "stable=4",
            "plateau=0.5/2",
            "residual=0.000000001"
        ]
    );
    assert_eq!(rules("plateau=0.5/7", None), ["plateau=0.5/7"]);
    assert!(rules("none", None).is_empty());
    let calibrated = calibration();
    assert_eq!(
        rules("halt,stable,plateau", Some(&calibrated)),
        ["halt=1.5", "stable=2", "plateau=0.1/3"]
    );
    // What the user says stands.
    assert_eq!(rules("halt=0", Some(&calibrated)), ["halt=0"]);
}

#[test]
fn what_is_no_rule_is_refused_with_what_was_expected() {
    for (text, expected, found) in [
        ("", "verified, halt, stable, plateau, residual or none", ""),
        ("halt,", "or none", ""),
        ("verified,sometimes", "or none", "sometimes"),
        ("Halt", "or none", "Halt"),
        ("verified=1", "`verified` without a setting", "verified=1"),
        ("halt=", "a number for `halt`", ""),
        ("halt=NaN", "a number for `halt`", "NaN"),
        ("halt=inf", "a number for `halt`", "inf"),
        ("halt=1e39", "a number for `halt`", "1e39"),
        ("stable=0", "1 to 1000000 steps for `stable`", "0"),
        ("stable=-1", "1 to 1000000 steps for `stable`", "-1"),
        ("stable=2.5", "1 to 1000000 steps for `stable`", "2.5"),
        ("plateau=0", "a number above 0 for `plateau`", "0"),
        ("plateau=nan/2", "a number above 0 for `plateau`", "nan"),
        ("plateau=0.1/1001", "1 to 1000 steps for `plateau`", "1001"),
        ("plateau=0.1/", "1 to 1000 steps for `plateau`", ""),
        ("residual=-1", "a number above 0 for `residual`", "-1"),
        ("residual=1e-60", "a number above 0 for `residual`", "1e-60"),
        ("none,halt", "`none` to stand alone", "none,halt"),
        ("halt,halt=1", "`halt` once", "halt,halt=1"),
    ] {
        let error = text.parse::<RuleList>().unwrap_err();
        assert!(error.expected.ends_with(expected), "{text}: {error}");
        assert_eq!(error.found, found, "{text}");
    }
    let error = "halt".parse::<Rule>().unwrap_err();
    assert_eq!(
        error.to_string(),
        "expected a setting of `halt`, found `halt`"
    );
}

proptest! {
    #![proptest_config(crate::testing::cases(256))]

    #[test]
    fn rules_go_round(logit in -1e30f32..1e30, bits: u32, steps in 1usize..=MAX_WINDOW) {
        let positive = f32::from_bits(bits).abs();
        let positive = if positive > 0.0 && positive.is_finite() { positive } else { 1.0 };
        for rule in [
            Rule::Verified,
            Rule::Halt { logit },
            Rule::Stable { steps },
            Rule::Plateau(Plateau { change: positive, steps }),
            Rule::Residual { below: positive },
        ] {
            prop_assert_eq!(rule.to_string().parse::<Rule>().unwrap(), rule);
            let json = serde_json::to_string(&rule).unwrap();
            prop_assert_eq!(serde_json::from_str::<Rule>(&json).unwrap(), rule);
        }
    }

    #[test]
    fn no_text_panics(text in "[a-z=/.,0-9e+-]{0,20}|(halt|stable|plateau|residual)=[0-9e./+-]{0,12}") {
        text.parse::<RuleList>().ok();
        text.parse::<Rule>().ok();
    }
}
