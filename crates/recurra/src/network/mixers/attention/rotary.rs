//! Angles by which heads are turned.

use crate::network::config::{Positions, TrmConfig};

/// cos and sin of the rotary angles, half as many numbers a position as a head has channels.
pub(super) fn angles(config: &TrmConfig) -> [Vec<f32>; 2] {
    let half = config.head_dim() / 2;
    // In f32 throughout, as the reference computes it: channel i of `of` turns with this many radians a position.
    let frequency = |i: usize, of: usize| {
        let exponent = (2 * i) as f32 / (2 * of) as f32;
        1.0 / config.rope_theta.powf(exponent)
    };
    let angle = |position: usize, i: usize| match config.positions {
        Positions::Grid { cols } => match position.checked_sub(config.puzzle_emb_len) {
            // Both halves have the same frequencies, as rows and columns are alike.
            Some(cell) if i < half / 2 => (cell / cols) as f32 * frequency(i, half / 2),
            Some(cell) => (cell % cols) as f32 * frequency(i - half / 2, half / 2),
            None => 0.0,
        },
        _ => position as f32 * frequency(i, half),
    };
    let angles =
        (0..config.positions_len()).flat_map(|position| (0..half).map(move |i| angle(position, i)));
    [
        angles.clone().map(f32::cos).collect(),
        angles.map(f32::sin).collect(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::config::Mixer;
    use crate::network::limits::tests::small;

    #[test]
    fn a_grids_heads_turn_by_row_and_by_column() {
        let config = TrmConfig {
            mixer: Mixer::Attention,
            positions: Positions::Grid { cols: 4 },
            hidden_size: 32,
            num_heads: 4,
            ..small()
        };
        config.validate().unwrap();
        let ([cos, sin], half) = (angles(&config), 4);
        assert_eq!(cos.len(), half * config.positions_len());
        // Two positions of prefix, then rows of four cells.
        for (position, row, col) in [
            (0, 0, 0),
            (1, 0, 0),
            (2, 0, 0),
            (5, 0, 3),
            (6, 1, 0),
            (17, 3, 3),
        ] {
            for (i, place) in [row, row, col, col].into_iter().enumerate() {
                let frequency = if i % 2 == 0 { 1.0 } else { 1e4f32.powf(-0.5) };
                let angle = place as f32 * frequency;
                let found = [cos[position * half + i], sin[position * half + i]];
                assert!((found[0] - angle.cos()).abs() < 1e-6, "{position}, {i}");
                assert!((found[1] - angle.sin()).abs() < 1e-6, "{position}, {i}");
            }
        }
    }
}
