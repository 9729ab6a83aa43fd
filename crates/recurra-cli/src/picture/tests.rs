use super::raster::Canvas;
use super::*;
use recurra::tasks::TaskSpec;

/// A 4x4 Sudoku in two steps: the second changes one digit.
fn sudoku() -> (Look, Thought) {
    let look = Look::new(Some(&TaskSpec::Sudoku { size: 4 }), 16, 6, None);
    let mut question = vec![1; 16];
    question[0] = 2;
    let frame = |last: u16, halt, verified| {
        let mut answer = vec![3; 16];
        (answer[0], answer[15]) = (2, last);
        Frame {
            answer,
            sure: vec![0.5; 16],
            candidates: Vec::new(),
            halt,
            verified: Some(verified),
        }
    };
    let thought = Thought {
        title: "a < b".into(),
        question,
        frames: vec![frame(4, -3.0, false), frame(5, 20.0, true)],
    };
    (look, thought)
}

/// Any grid of colours.
fn colors(vocab_size: usize, seq_len: usize) -> (Look, Thought) {
    let tokens: Vec<u16> = (0..seq_len).map(|i| (i % vocab_size) as u16).collect();
    let frame = Frame {
        answer: tokens.iter().rev().copied().collect(),
        sure: (0..seq_len).map(|i| i as f32 / seq_len as f32).collect(),
        candidates: Vec::new(),
        halt: f32::NAN,
        verified: None,
    };
    let thought = Thought {
        title: "grid".into(),
        question: tokens,
        frames: vec![frame],
    };
    (Look::new(None, seq_len, vocab_size, None), thought)
}

#[test]
fn an_svg_has_every_step_with_its_changes() {
    let (look, thought) = sudoku();
    let svg = to_svg(&look, &[thought]);
    for part in [
        "a &lt; b",
        ">step 1<",
        ">step 2<",
        ">halt -3.0<",
        ">halt +20.0<",
        ">not verified<",
        ">verified<",
        ">50 % sure<",
    ] {
        assert!(svg.contains(part), "{part}: {svg}");
    }
    // All but the given change in the first step, a rectangle a row; one cell in the second.
    let changed = svg.matches("fill=\"#ffd33d\"").count();
    assert_eq!(changed, 4 + 1);
    assert_eq!(svg.matches("<text").count(), svg.matches("</text>").count());
}

#[test]
fn any_grid_can_be_drawn() {
    for (vocab_size, seq_len) in [(6, 30), (12, 900), (12, 7), (300, 1), (2, 5000), (11, 81)] {
        let (look, thought) = colors(vocab_size, seq_len);
        assert!(look.rows * look.columns >= seq_len);
        assert!((look.rows - 1) * look.columns < seq_len);
        let svg = to_svg(&look, std::slice::from_ref(&thought));
        assert!(!svg.contains("width=\"-") && !svg.contains("inf"), "{svg}");
        let mut bytes = Vec::new();
        write_gif(&mut bytes, &look, &[thought]).unwrap();
        assert!(bytes.starts_with(b"GIF89a"));
    }
}

#[test]
fn a_gif_has_a_frame_a_step_and_repeats() {
    let (look, thought) = sudoku();
    let mut bytes = Vec::new();
    write_gif(&mut bytes, &look, &[thought]).unwrap();
    let mut options = gif::DecodeOptions::new();
    options.set_color_output(gif::ColorOutput::RGBA);
    let mut reader = options.read_info(&bytes[..]).unwrap();
    assert_eq!(reader.repeat(), gif::Repeat::Infinite);
    let mut delays = Vec::new();
    let mut yellow = Vec::new();
    while let Some(frame) = reader.read_next_frame().unwrap() {
        delays.push(frame.delay);
        let pixels = frame.buffer.as_chunks::<4>().0.iter();
        yellow.push(pixels.filter(|p| p[..3] == CHANGED).count());
    }
    assert_eq!(delays, [50, 250]);
    assert!(yellow[0] > 10 * yellow[1] && yellow[1] > 100, "{yellow:?}");
}

#[test]
fn a_palette_has_at_most_256_colours_near_the_true_ones() {
    let mut canvas = Canvas::new([32, 32]);
    for i in 0..32 {
        for j in 0..32 {
            canvas.rect([i, j], [1, 1], [8 * i as u8, 8 * j as u8, 0], 1.0);
        }
    }
    let (pixels, palette) = canvas.indexed();
    assert_eq!((pixels.len(), palette.len()), (1024, 768));
    for (pixel, color) in pixels.iter().zip(&canvas.pixels) {
        let found = &palette[3 * usize::from(*pixel)..][..3];
        let exact = found == color;
        assert!(exact || palette.chunks(3).all(|c| c != color));
    }
}

#[test]
fn drawing_outside_is_cut_off() {
    let mut canvas = Canvas::new([10, 10]);
    canvas.rect([-5, 8], [100, 100], INK, 1.0);
    canvas.text([9, 0], Anchor::Middle, 3, INK, "0%");
    canvas.text([0, 0], Anchor::Right, 1, INK, "");
    assert_eq!(
        canvas.pixels[80..].iter().filter(|p| **p == INK).count(),
        20
    );
}
