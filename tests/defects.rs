//! Each known defect of the reference implementations (docs/algorithms.md): profile `reference` has it, `fixed` does not.
//!
//! Separate from the recorded cases, because each test makes the input that shows its defect.

use sextant::{
    guidance::{
        quantile::quantile,
        scfg::{self, Layer, Segmentation},
        sega, sequential, snb,
    },
    recipe::{Concept, Momentum, Profile, Scfg},
    tensor::{HostAttention, Latents, Plane},
};

const BOTH: [Profile; 2] = [Profile::Reference, Profile::Fixed];

/// Pseudo-random numbers in -1..1.
fn noise(seed: u64, count: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    (0..count)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 40) as f32 / (1 << 23) as f32 - 1.0
        })
        .collect()
}

fn latents(seed: u64, h: usize, w: usize) -> Latents {
    Latents::new(4, h, w, noise(seed, 4 * h * w))
}

// ---- S-CFG ------------------------------------------------------------------------------------------------------

/// Attention on an `h` by `w` grid: self-attention spread evenly, cross-attention `columns[k]` for token k.
fn attention(h: usize, w: usize, columns: &[Vec<f32>]) -> Layer {
    let (n, tokens) = (h * w, columns.len());
    let identity: Vec<f32> = (0..n * n).map(|i| f32::from(u8::from(i / n == i % n))).collect();
    let cross = columns.concat();
    attention_of(h, w, identity, cross, tokens)
}

fn attention_of(h: usize, w: usize, own: Vec<f32>, cross: Vec<f32>, tokens: usize) -> Layer {
    assert_eq!(cross.len(), tokens * h * w);
    Box::new(HostAttention::new([h, w], own, cross))
}

/// Attention to three tokens, of which the start token has probability `start` everywhere.
fn flat_start(h: usize, w: usize, start: f32) -> Layer {
    let n = h * w;
    let ramp: Vec<f32> = (0..n).map(|p| (1.0 - start) * p as f32 / n as f32).collect();
    let rest: Vec<f32> = ramp.iter().map(|r| 1.0 - start - r).collect();
    attention(h, w, &[vec![start; n], ramp, rest])
}

fn segment(profile: Profile, cond: Layer, uncond: Layer, size: [usize; 2]) -> Segmentation {
    scfg::segment(profile, &[cond], &[uncond], Some(0), size, &sequential).expect("a segmentation")
}

fn rate(profile: Profile, segmentation: &Segmentation, g: f32, size: [usize; 2]) -> Plane {
    let settings = Scfg { enabled: true, ..Scfg::default() };
    scfg::rate(profile, &settings, g, segmentation, &latents(1, size[0], size[1]), &latents(2, size[0], size[1]))
}

#[test]
fn an_empty_foreground_means_plain_guidance() {
    let size = [16, 16];
    // Equal uncond maps: the start token equals the rest everywhere once normalised, so there is no foreground.
    for profile in BOTH {
        let uncond = attention(4, 4, &[vec![0.5; 16], vec![0.25; 16], vec![0.25; 16]]);
        let s = segment(profile, flat_start(4, 4, 0.2), uncond, size);
        assert!(s.foreground.values.iter().all(|&f| f == 0), "{profile}: the foreground is empty");
        let want = if profile == Profile::Reference { 0.8 } else { 1.0 };
        let rho = rate(profile, &s, 5.0, size);
        assert!(rho.values.iter().all(|r| (r - want).abs() < 1e-5), "{profile}: rate {:?}", &rho.values[..4]);
    }
}

#[test]
fn every_element_has_one_owner_even_on_ties() {
    let size = [8, 8];
    let n = 4;
    let columns = [vec![0.2; n], vec![0.4, 0.1, 0.4, 0.1], vec![0.4, 0.1, 0.4, 0.1]];
    let uncond = || attention(2, 2, &[vec![0.9, 0.1, 0.1, 0.1], vec![0.05, 0.5, 0.4, 0.6], vec![0.05, 0.4, 0.5, 0.3]]);
    let g = 1.5;
    let [reference, fixed] = BOTH.map(|profile| {
        let s = segment(profile, attention(2, 2, &columns), uncond(), size);
        assert_eq!(s.region().at(0, 0), 1, "{profile}: the first of the tied tokens is named");
        rate(profile, &s, g, size)
    });
    // The reference adds the rates of tokens 1 and 2 where they tie; one owner gives half of that.
    assert!((reference.at(0, 0) / fixed.at(0, 0) - 2.0).abs() < 0.2, "{} {}", reference.at(0, 0), fixed.at(0, 0));
}

#[test]
fn powers_of_self_attention_are_the_published_ones() {
    // Two elements that look at each other: S = [[.7,.3],[.3,.7]], second eigenvalue .4.
    let own = vec![0.7, 0.3, 0.3, 0.7];
    let cross = vec![1.0, 0.0, 0.0, 1.0];
    for (profile, factor) in
        [(Profile::Reference, (0.4 + 3.0 * 0.16) / 4.0), (Profile::Fixed, (0.4 + 0.16 + 0.064 + 0.0256) / 4.0)]
    {
        let map = attention_of(1, 2, own.clone(), cross.clone(), 2);
        let other = attention_of(1, 2, own.clone(), cross.clone(), 2);
        let s = segment(profile, map, other, [1, 2]);
        // Refined maps are .5 ± .5 * factor; the blur of two elements mixes them by its taps.
        let (side, centre) = (2.0 * 0.211_941_56, 0.576_116_9);
        let (a, b) = (0.5 + 0.5 * factor, 0.5 - 0.5 * factor);
        let want = (centre * a + side * b) / 0.5;
        assert!((s.tokens[0].values[0] - want).abs() < 1e-5, "{profile}: {} {want}", s.tokens[0].values[0]);
    }
}

#[test]
fn the_effective_scale_stays_inside_both_clamps() {
    let size = [32, 32];
    // g, least and greatest effective scale g * rho (algorithms.md §1.2).
    for (g, least, greatest) in
        [(3.0, 2.4, 9.0), (5.0, 4.0, 15.0), (7.5, 6.0, 15.0), (18.75, 15.0, 15.0), (30.0, 15.0, 15.0)]
    {
        let cond = attention(
            8,
            8,
            &[
                vec![0.2; 64],
                noise(3, 64).iter().map(|v| v + 1.5).collect(),
                noise(4, 64).iter().map(|v| v + 1.5).collect(),
            ],
        );
        let uncond = attention(8, 8, &[noise(5, 64).iter().map(|v| v + 1.5).collect(), vec![1.0; 64], vec![1.0; 64]]);
        let rho = rate(Profile::Reference, &segment(Profile::Reference, cond, uncond, size), g, size);
        for r in &rho.values {
            assert!((least - 1e-3..=greatest + 1e-3).contains(&(g * r)), "g {g}: effective {}", g * r);
        }
    }
}

#[test]
fn regions_follow_a_picture_that_is_not_square() {
    let (h, w) = (40, 24);
    let (gh, gw) = (10, 6);
    // Token 1 owns the upper half, token 2 the lower.
    let upper: Vec<f32> = (0..gh * gw).map(|p| if p / gw < gh / 2 { 0.8 } else { 0.1 }).collect();
    let lower: Vec<f32> = upper.iter().map(|u| 0.9 - u).collect();
    let s = segment(
        Profile::Fixed,
        attention(gh, gw, &[vec![0.1; gh * gw], upper, lower]),
        flat_start(gh, gw, 0.3),
        [h, w],
    );
    let region = s.region();
    assert_eq!((region.height, region.width), (h, w));
    assert!(region.values[..8 * w].iter().all(|&k| k == 1) && region.values[32 * w..].iter().all(|&k| k == 2));
}

#[test]
fn models_without_the_published_levels_use_their_two_coarsest() {
    assert_eq!(scfg::levels(&[1, 2, 4, 8]), [4, 8]);
    assert_eq!(scfg::levels(&[2, 4]), [2, 4]);
    assert_eq!(scfg::levels(&[4, 2, 1]), [2, 4]);
    assert_eq!(scfg::levels(&[8]), [8]);
}

// ---- SEGA -------------------------------------------------------------------------------------------------------

const SIZE: usize = 8;

fn concept(strength: f32, warmup: usize, cooldown: Option<usize>) -> Concept {
    Concept { text: "x".into(), strength, threshold: 0.5, warmup, cooldown, ..Concept::default() }
}

/// Terms of `steps` steps with constant predictions.
fn terms(profile: Profile, concepts: &[Concept], momentum: Momentum, steps: usize) -> Vec<Latents> {
    let uncond = latents(10, SIZE, SIZE);
    let predictions: Vec<_> = (0..concepts.len()).map(|k| Some(latents(20 + k as u64, SIZE, SIZE))).collect();
    let mut state = sega::State::default();
    let locks = vec![None; concepts.len()];
    let setting = sega::Setting { concepts, locks: &locks, momentum };
    (0..steps).map(|i| sega::step(&mut state, &setting, profile, i, &uncond, &predictions).term).collect()
}

#[test]
fn a_concept_alone_is_the_reference_bit_for_bit() {
    let concepts = [concept(-4.0, 3, None)];
    let [a, b] = BOTH.map(|profile| terms(profile, &concepts, Momentum { scale: 0.3, beta: 0.6 }, 10));
    assert_eq!(a, b);
    assert!(a[2].norm() == 0.0 && a[3].norm() > 0.0, "it begins when its warm-up ends");
}

#[test]
fn nothing_is_left_after_a_cool_down() {
    let concepts = [concept(4.0, 0, Some(4))];
    let momentum = Momentum { scale: 0.3, beta: 0.6 };
    let reference = terms(Profile::Reference, &concepts, momentum, 8);
    assert!(reference[4].norm() > 0.0, "the reference keeps adding its momentum");
    let decay = reference[6].norm() / reference[5].norm();
    assert!((decay - (0.6 + 0.4 * 0.3)).abs() < 1e-4, "it decays by beta + (1-beta) s_m, not {decay}");
    let fixed = terms(Profile::Fixed, &concepts, momentum, 8);
    assert!(fixed[3].norm() > 0.0 && fixed[4..].iter().all(|t| t.norm() == 0.0));
}

#[test]
fn no_concept_left_is_no_edit_and_never_not_a_number() {
    // A has cooled down before B warms up: the reference divides 0 by 0 there.
    let concepts = [concept(4.0, 0, Some(3)), concept(5.0, 6, None)];
    for profile in BOTH {
        let all = terms(profile, &concepts, Momentum::default(), 8);
        assert!(all.iter().all(|t| t.values.iter().all(|v| v.is_finite())), "{profile}");
        assert!(all[3..6].iter().all(|t| t.norm() == 0.0), "{profile}: nobody acts in steps 3 to 5");
    }
}

#[test]
fn one_warm_up_ending_does_not_change_the_others() {
    let momentum = Momentum { scale: 0.0, beta: 0.4 };
    let all = [concept(4.0, 0, None), concept(5.0, 0, None), concept(6.0, 4, None)];
    let step = |profile, i: usize| terms(profile, &all, momentum, 6)[i].clone();
    let two = terms(Profile::Fixed, &all[..2], momentum, 6);
    // Until step 3 the first two act alone; from step 4 on they act as before, together with the third.
    assert!(step(Profile::Fixed, 3).zip(&two[3], |a, b| a - b).norm() < 1e-5);
    let third = step(Profile::Fixed, 4).zip(&two[4], |a, b| a - b);
    assert!((two[3].norm() - two[4].norm()).abs() < 1e-5 && third.norm() > 0.0);
    // In the reference, the first two have half their strength until then.
    assert!((step(Profile::Reference, 3).norm() / two[3].norm() - 0.5).abs() < 1e-3);
}

#[test]
fn a_constant_edit_settles_at_the_gain_of_its_momentum() {
    for (scale, gain) in [(0.1, 1.0 / 0.9), (0.3, 1.0 / 0.7), (0.5, 2.0)] {
        let with = terms(Profile::Fixed, &[concept(4.0, 0, None)], Momentum { scale, beta: 0.4 }, 80);
        let without = terms(Profile::Fixed, &[concept(4.0, 0, None)], Momentum { scale: 0.0, beta: 0.4 }, 1);
        let measured = with[79].norm() / without[0].norm();
        assert!((measured - gain).abs() < 1e-3, "{scale}: {measured} against {gain}");
    }
}

#[test]
fn quantiles_keep_as_many_elements_as_torch() {
    let values = noise(9, 4096).iter().map(|v| v.abs()).collect::<Vec<_>>();
    for (q, kept) in [(0.0, 4096), (0.9, 410), (0.95, 205), (0.975, 103), (0.99, 41), (1.0, 1)] {
        let limit = quantile(&values, q);
        assert_eq!(values.iter().filter(|&&v| v >= limit).count(), kept, "quantile {q}");
    }
    assert_eq!(quantile(&[1.0, 2.0, 3.0, 4.0], 0.5), 2.5);
}

#[test]
fn a_branch_that_cannot_matter_is_not_evaluated() {
    let c = concept(4.0, 5, Some(9));
    let quiet = Momentum { scale: 0.0, beta: 0.4 };
    let needs = |m, i| sega::is_needed_at(&c, m, Profile::Fixed, i);
    assert!(needs(Momentum::default(), 0) && !needs(quiet, 4) && needs(quiet, 5) && !needs(quiet, 9));
    assert!(!needs(Momentum::default(), 9) && sega::is_needed_at(&c, quiet, Profile::Reference, 9));
}

// ---- SNB --------------------------------------------------------------------------------------------------------

#[test]
fn any_latent_size_can_be_fused() {
    for (h, w) in [(24, 24), (40, 24), (9, 17)] {
        let (general, expert) = (latents(31, h, w), latents(32, h, w));
        let choice = snb::choose(Profile::Fixed, &general, &expert, 1.0, 1.0);
        assert_eq!((choice.mask.height, choice.mask.width), (h, w));
        let drawn = snb::blend(&choice.mask, &general, &expert);
        for (i, value) in drawn.values.iter().enumerate() {
            let source = if choice.mask.values[i % (h * w)] == 1 { &expert } else { &general };
            assert_eq!(*value, source.values[i]);
        }
    }
}

#[test]
fn a_sharper_expert_wins_its_peaks_and_loses_elsewhere() {
    let (general, expert) = (latents(41, 24, 24), latents(42, 24, 24).map(|v| v * 1.01));
    let share = |k| {
        let mask = snb::choose(Profile::Fixed, &general, &expert, 1.0, k).mask;
        mask.values.iter().map(|&m| f32::from(m)).sum::<f32>() / 576.0
    };
    assert!(share(60.0) < share(1.0), "{} {}", share(60.0), share(1.0));
}
