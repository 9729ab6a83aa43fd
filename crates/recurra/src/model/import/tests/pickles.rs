//! Pickles: what a state dictionary needs, and everything that it does not.

use super::super::pickle::read_state;
use super::super::{opcodes, read_checkpoint};
use super::support::{Claim, Pickle, TWO_BY_THREE, f32_bytes, fixture, torch_file};
use half::f16;
use proptest::prelude::*;

/// Reads tensor `w` of this layout over the numbers 0, 1, …, `stored` of them.
fn read(claim: Claim<'_>, stored: usize) -> Result<Vec<f32>, String> {
    let storage = f32_bytes((0..stored).map(|i| i as f32));
    let file = torch_file(&Pickle::state(&[("w", claim)]), &[&storage]);
    let mut tensors = read_checkpoint(&file).map_err(|e| e.to_string())?;
    Ok(tensors.remove("w").unwrap().data)
}

#[test]
fn layouts_are_materialised() {
    assert_eq!(read(TWO_BY_THREE, 6).unwrap(), [0., 1., 2., 3., 4., 5.]);
    for (offset, shape, strides, expected) in [
        (0, &[3, 2][..], &[1, 3][..], &[0., 3., 1., 4., 2., 5.][..]),
        (2, &[2], &[3], &[2., 5.]),
        (3, &[1, 3], &[i64::MAX, 1], &[3., 4., 5.]),
        (1, &[2, 1, 2], &[2, i64::MAX, 1], &[1., 2., 3., 4.]),
        (5, &[], &[], &[5.]),
        (4, &[2, 2], &[0, 1], &[4., 5., 4., 5.]),
    ] {
        let claim = Claim {
            offset,
            shape,
            strides,
            ..TWO_BY_THREE
        };
        assert_eq!(read(claim, 6).unwrap(), expected, "{shape:?} {strides:?}");
    }
}

#[test]
fn layouts_outside_of_the_storage_are_refused() {
    let base = TWO_BY_THREE;
    let wide = &[1 << 40, 1 << 40][..];
    for (claim, expected) in [
        (Claim { offset: 1, ..base }, "expected places below 6"),
        (
            Claim {
                offset: i64::MAX,
                ..base
            },
            "places below 6",
        ),
        (Claim { offset: -1, ..base }, "offset"),
        (
            Claim {
                strides: &[4, 1],
                ..base
            },
            "places below 6",
        ),
        (
            Claim {
                strides: &[i64::MAX, 1],
                shape: &[3, 2],
                ..base
            },
            "places below 6",
        ),
        (
            Claim {
                strides: &[-3, 1],
                ..base
            },
            "from 0 up",
        ),
        (
            Claim {
                strides: &[1],
                ..base
            },
            "as many strides",
        ),
        (
            Claim {
                shape: wide,
                strides: &[0, 0],
                ..base
            },
            "no more than the 6 numbers",
        ),
        (
            Claim {
                shape: &[7],
                strides: &[0],
                ..base
            },
            "no more than the 6 numbers",
        ),
        (
            Claim {
                shape: &[0, i64::MAX],
                ..base
            },
            "at least one number",
        ),
        (
            Claim {
                shape: &[1; 9],
                strides: &[1; 9],
                ..base
            },
            "at most 8",
        ),
        (Claim { numel: 7, ..base }, "a storage of 7 numbers"),
        (
            Claim {
                numel: i64::MAX,
                ..base
            },
            "found 24 bytes",
        ),
        (Claim { numel: -1, ..base }, "length of a storage"),
        (
            Claim {
                kind: "HalfStorage",
                ..base
            },
            "a storage of 6 numbers of 2 bytes",
        ),
        (
            Claim {
                kind: "LongStorage",
                ..base
            },
            "tensor `w`: expected float32, float16 or bfloat16, found int64",
        ),
        (
            Claim {
                kind: "QInt8Storage",
                ..base
            },
            "tensor `w`: expected a tensor, found an object of `torch.QInt8Storage`",
        ),
        (
            Claim { key: "1", ..base },
            "entry `step_1/data/1` is missing",
        ),
        (
            Claim {
                key: "../data.pkl",
                ..base
            },
            "is missing",
        ),
    ] {
        let message = read(claim, 6).unwrap_err();
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn storages_may_be_shared_within_reason() {
    let names: Vec<String> = (0..200).map(|i| format!("w{i}")).collect();
    let numbers = 4096;
    let claim = Claim {
        numel: numbers,
        shape: &[4096],
        strides: &[1],
        ..TWO_BY_THREE
    };
    let storage = vec![0; 4 * numbers as usize];
    let tensors: Vec<_> = names.iter().map(|name| (name.as_str(), claim)).collect();

    let file = torch_file(&Pickle::state(&tensors[..2]), &[&storage]);
    assert_eq!(read_checkpoint(&file).unwrap().len(), 2);
    let file = torch_file(&Pickle::state(&tensors), &[&storage]);
    let message = read_checkpoint(&file).unwrap_err().to_string();
    assert!(message.contains("too many share a storage"), "{message}");
}

#[test]
fn half_precision_is_widened() {
    let storage: Vec<u8> = [1.5f32, -2.0]
        .iter()
        .flat_map(|&x| f16::from_f32(x).to_le_bytes())
        .chain([0; 8])
        .collect();
    let half = Claim {
        kind: "HalfStorage",
        shape: &[2],
        strides: &[1],
        ..TWO_BY_THREE
    };
    let brain = Claim {
        kind: "BFloat16Storage",
        key: "1",
        numel: 1,
        shape: &[],
        strides: &[],
        ..TWO_BY_THREE
    };
    let pickle = Pickle::state(&[("h", half), ("inner.b", brain)]);
    let tensors = read_checkpoint(&torch_file(&pickle, &[&storage, &[0x80, 0x3f]])).unwrap();
    assert_eq!(tensors["h"].data, [1.5, -2.0]);
    assert_eq!(tensors["b"].data, [1.0]);
}

/// What `torch.save(model.state_dict())` writes: an OrderedDict with attributes, here with a parameter in it.
#[test]
fn ordered_dictionaries_and_parameters_are_read() {
    let dict = "ccollections\nOrderedDict\n)R";
    let mut pickle = Pickle::default();
    pickle.op(b"\x80\x02").op(dict).op(b"q\x00(").text("w");
    pickle.op(b"ctorch._utils\n_rebuild_parameter\n(");
    pickle.tensor(TWO_BY_THREE).op(b"\x88").op(dict).op(b"tRu");
    // The attributes: `{"_metadata": OrderedDict({"": {"version": 1}})}`.
    pickle.op(b"}").text("_metadata").op(dict).op(b"(").text("");
    pickle.op(b"}").text("version").op(b"K\x01susb.");
    let state = read_state(&pickle.0).unwrap();
    assert_eq!(state.len(), 1);
    assert_eq!((state[0].0, &state[0].1.shape[..]), ("w", &[2, 3][..]));
}

/// What Lightning and other training programs write: weights beside objects of their own classes.
#[test]
fn unknown_objects_beside_the_weights_are_passed_over() {
    let mut pickle = Pickle::default();
    pickle.op(b"\x80\x02}(").text("hyper_parameters");
    // Made, filled with items and attributes, kept in the memo.
    pickle.op(b"clightning.fabric.utilities.data\nAttributeDict\n)\x81q\x05");
    pickle.op(b"(").text("lr").op(b"G\0\0\0\0\0\0\0\0u}b");
    pickle.text("callbacks").op(b"cbuiltins\nset\n]\x85R");
    pickle.text("again").op(b"h\x05");
    // A tensor of a kind that is not known, made of a storage that is not known.
    pickle
        .text("scale")
        .op(b"ctorch._utils\n_rebuild_tensor_v2\n(");
    pickle.storage(Claim {
        kind: "QInt8Storage",
        ..TWO_BY_THREE
    });
    pickle.op(b"K\0))\x89}tR");
    pickle
        .text("state_dict")
        .op(b"}(")
        .text("w")
        .tensor(TWO_BY_THREE);
    pickle.op(b"u").text("bytes").op(b"C\x02ab");
    pickle
        .text("set")
        .op(b"\x8f(K\x01\x90")
        .text("frozen")
        .op(b"(K\x01\x91u.");
    let state = read_state(&pickle.0).unwrap();
    assert_eq!((state.len(), state[0].0), (1, "w"));
    // Among the weights themselves it is told.
    let mut pickle = Pickle::default();
    pickle.op(b"\x80\x02}(").text("w").tensor(TWO_BY_THREE);
    pickle.text("cfg").op(b"c__main__\nConfig\n)\x81u.");
    let message = read_state(&pickle.0).unwrap_err().to_string();
    assert_eq!(
        message,
        "tensor `cfg`: expected a tensor, found an object of `__main__.Config`"
    );
}

#[test]
fn protocol_4_is_read() {
    let mut pickle = Pickle::default();
    pickle.op(b"\x80\x04\x95\0\0\0\0\0\0\0\0}\x94\x8c\x01w");
    pickle.op(b"\x8c\x0ctorch._utils\x94\x8c\x12_rebuild_tensor_v2\x94\x93((");
    pickle.op(
        b"\x8c\x07storage\x8c\x05torch\x8c\x0cFloatStorage\x93\x8c\x010\x8c\x03cpuJ\x06\0\0\0tQ",
    );
    pickle.op(b"K\0K\x06\x85M\x01\0\x85\x89}tRs.");
    let state = read_state(&pickle.0).unwrap();
    assert_eq!((state[0].0, &state[0].1.shape[..]), ("w", &[6][..]));
}

#[test]
fn nothing_else_is_called() {
    for (pickle, expected) in [
        (
            &b"\x80\x02cos\nsystem\nX\x02\0\0\0ls\x85R."[..],
            "expected a dictionary of tensors, found an object of `os.system`: save its `state_dict()`",
        ),
        (
            b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93.",
            "expected a dictionary of tensors, found a name of Python",
        ),
        (
            b"\x80\x02ctorch\nFloatStorage.__init__\n)R.",
            "found an object of `torch.FloatStorage.__init__`",
        ),
        (b"\x80\x02(cos\nsystem\no.", "opcode 0x6f (OBJ)"),
        (
            b"\x80\x02i",
            "pickle: opcode 0x69 (INST) at byte 2 is not allowed",
        ),
        (b"\x80\x02ctorch\nFloatStorage\n)R.", "cannot be called"),
        (b"\x80\x02})R.", "only a name of Python can be called"),
        (
            b"\x80\x02ccollections\nOrderedDict\n}R.",
            "arguments must be a tuple",
        ),
        (
            b"\x80\x02ccollections\nOrderedDict\nN\x85R.",
            "OrderedDict takes no arguments",
        ),
        (
            b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n)R.",
            "takes 6 arguments",
        ),
        (
            b"\x80\x02ctorch._utils\n_rebuild_parameter\n)R.",
            "takes 3 arguments",
        ),
        (b"\x80\x02}Q.", "persistent identifier"),
    ] {
        let message = read_state(pickle).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn every_other_opcode_is_refused_by_name() {
    let allowed = b"\x80\x95(N\x88\x89JKM\x8aX\x8cqr\x94hj)\x85\x86\x87t}sub\x93cQR.G]ae\x8f\x90\x91CB\x8e\x9602\x81\x92";
    for opcode in 0..=255u8 {
        let message = read_state(&[0x80, 2, opcode]).unwrap_err().to_string();
        let refused = format!(
            "pickle: opcode {opcode:#04x} ({}) at byte 2 is not allowed",
            opcodes::name(opcode)
        );
        assert_eq!(message == refused, !allowed.contains(&opcode), "{message}");
    }
}

#[test]
fn malformed_programs_are_refused() {
    for (pickle, expected) in [
        (&b"."[..], "leave one value"),
        (b"}}.", "leave one value"),
        (b"N.", "expected a dictionary of tensors, found nothing"),
        (b").", "found a tuple"),
        (b"}K\x01Ns.", "every key of the dictionary must be text"),
        (
            b"}X\x01\0\0\0aK\x01s.",
            "tensor `a`: expected a tensor, found an integer",
        ),
        (b"}.}", "something follows the end"),
        (b"\x80\x06", "protocol 6"),
        (b"X\xff\xff\xff\xff", "too early"),
        (b"X\x01\0\0\0\xff", "not UTF-8"),
        (b"\x8a\x09\0\0\0\0\0\0\0\0\0", "more than 64 bits"),
        (b"h\x00", "memo 0 is empty"),
        (b"t", "a mark is missing"),
        (b"N(\x85", "too few values"),
        (b"(q\x00", "too few values"),
        (b"}(Nu", "a key without a value"),
        (b"N(NNu", "a dictionary to fill"),
        (b"NNb", "a dictionary to fill"),
        (b"cos", "a line does not end"),
        (b"NNa", "a list to fill"),
        (b"N(Ne", "a list to fill"),
        (
            b"}(X\x01\0\0\0aNX\x05\0\0\0epochK\x01u.",
            "one that holds it under `state_dict`, found the keys `a` (nothing), `epoch` (an integer)",
        ),
    ] {
        let message = read_state(pickle).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn no_program_grows_without_bound() {
    for opcode in [b'(', b'N', b'}', b')', b']'] {
        let message = read_state(&[opcode; 1 << 20]).unwrap_err().to_string();
        assert!(message.contains("more than 131072 values"), "{message}");
    }
    let message = read_state(&[b'('; (1 << 20) + 1]).unwrap_err().to_string();
    assert!(
        message.contains("expected at most 1048576 bytes"),
        "{message}"
    );
    // A tuple in a tuple in a tuple: nothing recurses.
    let mut nested = vec![b')'];
    nested.resize(100_000, 0x85);
    nested.push(b'.');
    let message = read_state(&nested).unwrap_err().to_string();
    assert!(message.contains("found a tuple"), "{message}");
    // A dictionary that holds itself.
    let message = read_state(b"}q\0X\x01\0\0\0ah\0s.")
        .unwrap_err()
        .to_string();
    assert!(message.contains("found a dictionary"), "{message}");
}

#[test]
fn every_truncation_is_an_error() {
    let pickle = Pickle::state(&[("w", TWO_BY_THREE)]);
    assert!(read_state(&pickle).is_ok());
    for length in 0..pickle.len() {
        read_state(&pickle[..length]).unwrap_err();
    }
}

/// The pickle of a file of PyTorch.
fn real_pickle() -> Vec<u8> {
    let file = fixture("mlp_no_puzzle", "checkpoint.pt");
    let mut archive = super::super::archive::Archive::open(&file).unwrap();
    archive.entry("data.pkl").unwrap().to_vec()
}

proptest! {
    #![proptest_config(crate::testing::cases(256))]

    #[test]
    fn changed_bytes_never_panic(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        let mut pickle = real_pickle();
        for (at, byte) in changes {
            let at = at.index(pickle.len());
            pickle[at] = byte;
        }
        let storage = [0; 4096];
        let _ = read_checkpoint(&torch_file(&pickle, &[&storage[..128]; 10]));
    }

    #[test]
    fn any_allowed_opcodes_never_panic(program in prop::collection::vec(
        prop::sample::select(&b"\x00\x01\x02(N\x89K\x8aX\x8cqh)\x85\x86\x87t}sub\x93QR.\x81\x92\x8f\x90\x91C]ae02"[..]), 0..60)) {
        let _ = read_state(&program);
    }
}
