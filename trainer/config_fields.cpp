#include "trainer/config_fields.h"

#include <csignal>
#include <iterator>
#include <utility>

#include "comm/gradient_sync_options.h"
#include "comm/watchdog/watchdog.h"
#include "data/loader_options.h"
#include "data/store/sample_set.h"
#include "trainer/checkpoint/checkpoint_options.h"
#include "trainer/evaluation/evaluation_options.h"
#include "trainer/field_kinds.h"
#include "trainer/loop/data_options.h"
#include "trainer/loop/stop_options.h"
#include "trainer/loop/training_options.h"
#include "trainer/nets/net_options.h"
#include "trainer/nets/pretrained_options.h"
#include "trainer/objective/objective_options.h"
#include "trainer/objective/uncertainty_options.h"
#include "trainer/optim/learning_rate.h"
#include "trainer/optim/optimizer_options.h"
#include "trainer/telemetry/monitor_options.h"

namespace penumbra::trainer {
namespace {

void append(std::vector<Field>& all, std::vector<Field> more) {
  std::move(more.begin(), more.end(), std::back_inserter(all));
}

std::vector<Field> run_and_data(Config& c) {
  return {
      path("run.dir", c.run_dir, "folder of the run: configuration, metrics, weights"),
      number("run.seed", c.seed, 0, 9e15, "seed of everything random: weights, matching, order, views"),
      list("data.files", c.data->files, "list of paths", "HDF5 stores to train and validate on, concatenated in order",
           read_path, toml_text),
      text_table(
          "data.class_map", c.data->class_map, "table of texts",
          "what classes of the files become, by name: another class, or none (\"\"), and their faces are left out"),
      number("data.classes", c.data->classes, 0, 1000, "number of classes that the files must have; 0: as they are"),
      number("data.image_size", c.data->image_size, 0, 4096,
             "side in pixels that the stored images must have; 0: as they are"),
      number("data.memory_limit", c.data->memory_limit, 0, 1 << 30,
             "MiB of a host's memory that the images of a set may take; more of them stay in the files and are read "
             "window by window; 0: three quarters of what is free"),
      number("data.most_repeats", c.loader->plan.most_repeats, 1, 1000,
             "how often an epoch may show a sample so that its class comes up to the largest one, each time in another "
             "view; 1: every sample once"),
      number("data.view_size", c.loader->view_size, 0, 4096,
             "side in pixels of the views that the nets see; 0: the stored size"),
      number("data.mean", c.loader->norm.mean, 0, 1, "subtracted from pixel / 255"),
      number("data.deviation", c.loader->norm.deviation, 1e-3, 10, "then divided by"),
      number("data.prefetch", c.loader->prefetch, 1, 1024, "batches rendered ahead; at least one a thread"),
      number("data.threads", c.loader->threads, 0, 256,
             "renderer threads a rank; 0: one where CPUs train, all cores but two, at most 16, where a GPU does"),
  };
}

std::vector<Field> views(Config& c) {
  auto& weak = c.loader->weak;
  auto& strong = c.loader->strong;
  return {
      number("weak.flip", weak.flip, 0, 1, "probability of a mirrored face"),
      number("weak.shift", weak.shift, 0, 0.5, "largest shift, share of the side"),
      number("weak.brightness", weak.brightness, 0, 1, "largest change, share of white"),
      number("weak.contrast", weak.contrast, 0, 0.99, "largest relative change about mid-grey"),
      choice("ambiguous.mode", c.loader->mode,
             {{"online", data::AmbiguousMode::online}, {"stored", data::AmbiguousMode::stored}},
             "fresh recipes each epoch, or the variants stored in the file"),
      choice("ambiguous.mix", strong.mix,
             {{"mixup", data::Mix::mixup}, {"cutmix", data::Mix::cutmix}, {"none", data::Mix::none}},
             "how a face and its partner become one"),
      number("ambiguous.mix_probability", strong.mix_probability, 0, 1,
             "that a view is mixed at all; else it shows its face alone, strongly augmented (lambda = 1)"),
      number("ambiguous.alpha", strong.alpha, 0.01, 100, "lambda ~ max(b, 1 - b), b ~ Beta(alpha, alpha)"),
      number("ambiguous.strength", strong.strength, 0, 10,
             "times the ranges of rotation, scale, shift, brightness, contrast and saturation"),
      number(
          "ambiguous.operations", strong.operations, 0, 7,
          "how many of rotation, scale, shift, brightness, contrast, erasing and, for RGB, colour a view goes through, "
          "drawn anew for each; 0: all"),
      number("ambiguous.flip", strong.flip, 0, 1, "probability of a mirrored view"),
      number("ambiguous.rotation_degrees", strong.rotation_degrees, 0, 180, "largest rotation"),
      number("ambiguous.scale", strong.scale, 0, 0.9, "largest relative change of size"),
      number("ambiguous.shift", strong.shift, 0, 0.5, "largest shift, share of the side"),
      number("ambiguous.brightness", strong.brightness, 0, 1, "largest change, share of white"),
      number("ambiguous.contrast", strong.contrast, 0, 0.99, "largest relative change about mid-grey"),
      number("ambiguous.saturation", strong.saturation, 0, 1, "largest relative change; RGB only"),
      number("ambiguous.grey", strong.grey, 0, 1, "probability of a grey view; RGB only"),
      number("ambiguous.erase", strong.erase, 0, 1, "probability of one erased rectangle"),
  };
}

std::vector<Field> nets_and_objective(Config& c) {
  auto& o = *c.objective;
  return {
      integer_choice("net.depth", c.net->depth, {10, 18, 34, 50}, "layers of the ResNet"),
      number("net.width", c.net->width, 4, 1024, "channels of the first stage"),
      choice("net.stem", c.net->stem, {{"small", std::string("small")}, {"imagenet", std::string("imagenet")}},
             "small: one convolution, for 48-64 px; imagenet: 7x7 stride 2 and max pool"),
      integer_choice("net.stem_stride", c.net->stem_stride, {1, 2, 3}, "stride of the small stem"),
      integer_choice("net.last_stride", c.net->last_stride, {1, 2},
                     "stride of the fourth stage; 1 keeps a finer attention map"),
      choice("net.convolutions", c.train->convolutions,
             {{"apart", Convolutions::apart}, {"shared", Convolutions::shared}},
             "whose the convolutions of f_a are: its own, or f_o's, beside norms and a head of its own"),
      choice("net.norm", c.train->norm, {{"batch", Norm::batch}, {"sync", Norm::sync}},
             "statistics of batch norm while training: the rank's own share, or the whole batch's"),
      path("net.pretrained", c.pretrained->file,
           "safetensors file with weights that both nets of a new run begin with; empty: random ones", true),
      text_table("net.pretrained_names", c.pretrained->names, "table of texts",
                 "prefixes of that file's names, and what they become, e.g. {\"backbone.\" = \"\"}"),
      list("net.pretrained_skip", c.pretrained->skip, "list of texts",
           "prefixes of the net's names that stay as they were initialised, e.g. [\"fc.\"]", read_text, toml_text),
      number("attention.weight", o.attention_weight, 0, 1e4,
             "lambda_att of the cross-space attention consistency; 0: off"),
      choice("attention.norm", o.attention_norm,
             {{"centred", AttentionNorm::centred}, {"raw", AttentionNorm::raw}, {"l2", AttentionNorm::l2}},
             "what of the maps is compared"),
      choice("attention.couple", o.couple,
             {{"both", Couple::both}, {"original_to_ambiguous", Couple::original_to_ambiguous}},
             "which nets the term's gradient reaches"),
      choice("attention.target", o.target, {{"mixed", Target::mixed}, {"unmixed", Target::unmixed}},
             "mix both partners' maps, or take the source's alone"),
      flag("attention.warp", o.warp, "carry the maps into the ambiguous view's frame"),
      number("soft_label.alignment_weight", o.alignment_weight, 0, 1e4, "lambda_align of the two label spaces; 0: off"),
      choice(
          "soft_label.divergence", o.divergence,
          {{"symmetric_kl", Divergence::symmetric_kl}, {"forward_kl", Divergence::forward_kl}, {"js", Divergence::js}},
          "how the two posteriors are compared"),
      number("soft_label.temperature", o.temperature, 0.1, 100, "tau of the aligned posteriors"),
      number("soft_label.beta_max", o.beta_max, 0, 0.5, "most of a label that the bank may replace"),
      choice("soft_label.trust", o.trust, {{"uncertainty", Trust::uncertainty}, {"disagreement", Trust::disagreement}},
             "what moves a label: u, or max(u, n)"),
      number(
          "uncertainty.momentum", c.uncertainty->momentum, 0, 0.999,
          "what the banks keep of the epochs before at an epoch's end: 0.9 looks back ten epochs, 0 at the last alone"),
      flag("uncertainty.rank_within_class", c.uncertainty->rank_within_class, "u is its rank within the class"),
      flag("uncertainty.weight_samples", c.uncertainty->weight_samples,
           "certain samples count more in the coupling terms"),
      flag("uncertainty.constant", c.uncertainty->constant, "u = 1/2 for every sample (ablation)"),
      number("ramp.length", o.ramp_share, 0, 1, "share of the epochs after which the coupling is at full weight"),
      number("ramp.warm_up", o.warm_up_share, 0, 1, "share of the epochs before soft labels and sample weights begin"),
  };
}

std::vector<Field> optimisation(Config& c) {
  const auto read_real = [](const toml::node& node) { return node.value<double>(); };
  return {
      choice("train.method", c.train->method, methods(),
             "both nets; f_o on weak views alone; f_o alone on both kinds of views"),
      number("train.epochs", c.train->epochs, 1, 100000, "passes over the training set"),
      number("train.batch", c.loader->global_batch, 2, 1 << 20, "faces a step over all ranks together; even"),
      choice("train.device", c.train->device,
             {{"auto", DeviceChoice::automatic}, {"cpu", DeviceChoice::cpu}, {"cuda", DeviceChoice::cuda}},
             "\"auto\": a GPU a rank where every rank sees one, else CPUs"),
      choice("train.graph", c.train->graph,
             {{"auto", GraphChoice::automatic}, {"on", GraphChoice::on}, {"off", GraphChoice::off}},
             "launch a GPU's steps as one CUDA graph where that can hold: \"auto\" with one rank, \"on\" also with "
             "several"),
      flag("train.deterministic", c.train->deterministic,
           "on a GPU, only algorithms that add in a fixed order, which are slower: the same bits from the same start"),
      choice("train.precision", c.train->precision, {{"fp32", Precision::fp32}, {"bf16", Precision::bf16}},
             "bf16: autocast, weights stay fp32; in fp32 a GPU's convolutions multiply in TF32, as PyTorch's do"),
      choice("train.labels", c.train->labels, {{"hard", Labels::hard}, {"votes", Labels::votes}},
             "one-hot, or the annotators' distribution"),
      number("train.label_smoothing", c.train->label_smoothing, 0, 0.99,
             "share of each given label that is spread evenly over all classes"),
      choice("train.class_weights", c.train->balance.weights,
             {{"none", ClassWeights::none}, {"inverse", ClassWeights::inverse}, {"effective", ClassWeights::effective}},
             "what a face counts in the cross-entropies: 1, one over its class' number of faces, or over the effective "
             "number of them; mean 1"),
      number("train.class_beta", c.train->balance.beta, 0, 0.9999999,
             "effective: a class of n faces has (1 - beta^n) / (1 - beta) of them"),
      number("train.logit_adjustment", c.train->balance.logit_adjustment, 0, 10,
             "tau: the cross-entropies see each logit plus tau times the logarithm of its class' share; 0: off"),
      number("train.accumulate", c.train->accumulate, 1, 1 << 16,
             "parts that a rank takes its share of a batch in, one after the other: less memory, no more traffic"),
      choice(
          "train.non_finite", c.train->non_finite,
          {{"stop", NonFinite::stop}, {"skip", NonFinite::skip}, {"roll_back", NonFinite::roll_back}},
          "a step whose gradient is not finite: end the run, leave the step out, or go back to the newest checkpoint's "
          "weights and on with the next batches"),
      number("train.ema_decay", c.train->ema_decay, 0, 0.99999,
             "decay a step of averaged weights, used for evaluation; 0: off"),
      number("train.ema_half_life", c.train->ema_half_life, 0, 1e5,
             "the same by epochs after which a step counts half in the average, whatever the batch; 0: off"),
      number("train.threads", c.train->threads, 0, 1024, "compute threads a rank; 0: the cores it has"),
      number(
          "train.tune_steps", c.train->tune_steps, 0, 1000,
          "steps that each of some bucket sizes and thread counts is tried for at the start, to keep the fastest; 0: "
          "as configured"),
      choice("optimizer.kind", c.optimizer->kind, {{"sgd", OptimizerKind::sgd}, {"adamw", OptimizerKind::adamw}},
             "update rule"),
      number("optimizer.momentum", c.optimizer->momentum, 0, 0.9999, "sgd"),
      flag("optimizer.nesterov", c.optimizer->nesterov, "sgd"),
      number("optimizer.beta1", c.optimizer->beta1, 0, 0.99999, "adamw"),
      number("optimizer.beta2", c.optimizer->beta2, 0, 0.9999999, "adamw"),
      number("optimizer.epsilon", c.optimizer->epsilon, 1e-16, 1, "adamw"),
      number("optimizer.weight_decay", c.optimizer->weight_decay, 0, 10,
             "not on biases and norms; coupled for sgd, decoupled for adamw"),
      number("optimizer.clip_norm", c.optimizer->clip_norm, 0, 1e9,
             "largest norm of the whole gradient; 0: no clipping"),
      number(
          "optimizer.sam_radius", c.optimizer->sam_radius, 0, 100,
          "sharpness-aware steps: the gradient is taken so far uphill of the weights, which doubles the computation; "
          "0: off"),
      choice("schedule.kind", c.schedule->kind,
             {{"cosine", ScheduleKind::cosine},
              {"step", ScheduleKind::step},
              {"exponential", ScheduleKind::exponential},
              {"constant", ScheduleKind::constant}},
             "how the learning rate falls"),
      number("schedule.learning_rate", c.schedule->learning_rate, 0, 1000, "at its peak"),
      number("schedule.final_share", c.schedule->final_share, 0, 1, "cosine: share of the peak at the end"),
      number("schedule.warm_up_epochs", c.schedule->warm_up_epochs, 0, 1000, "linear rise from 0"),
      list("schedule.milestones", c.schedule->milestones, "list of numbers", "step: epochs at which gamma applies",
           read_real, real_text),
      number("schedule.gamma", c.schedule->gamma, 0, 1, "step: factor a milestone; exponential: factor an epoch"),
      choice("schedule.batch_scaling", c.schedule->batch_scaling,
             {{"none", BatchScaling::none}, {"linear", BatchScaling::linear}, {"sqrt", BatchScaling::sqrt}},
             "learning rate grows with train.batch / reference_batch"),
      number("schedule.reference_batch", c.schedule->reference_batch, 1, 1 << 20,
             "batch that learning_rate is meant for"),
  };
}

std::vector<Field> sync_and_evaluation(Config& c) {
  const auto read_signal = [](const toml::node& node) {
    const auto name = node.value_exact<std::string>();
    return name && signals_by_name().contains(*name) ? name : std::nullopt;
  };
  return {
      number("sync.first_bucket_bytes", c.sync->first_bucket_bytes, 4, 1 << 30, "the bucket that leaves first"),
      number("sync.bucket_bytes", c.sync->bucket_bytes, 4, 1 << 30, "each further one at most"),
      choice("sync.mode", c.sync->mode,
             {{"all_reduce", comm::SyncMode::all_reduce}, {"sharded", comm::SyncMode::sharded}},
             "sharded: each rank updates its part of the weights and keeps the moments of that part alone"),
      choice("sync.path", c.sync_path,
             {{"auto", SyncPath::automatic}, {"mpi", SyncPath::library}, {"pairwise", SyncPath::pairwise}},
             "of tensors in host memory: MPI's own collectives, which spin, or messages between every two ranks, which "
             "leave "
             "the core to the computation; \"auto\": pairwise for up to 32 ranks on several hosts"),
      choice("sync.wire", c.sync->wire, {{"fp32", comm::Wire::exact}, {"bf16", comm::Wire::bf16}},
             "gradients on the network; bf16: half the bytes, rounded"),
      number("watchdog.silence_seconds", c.watchdog->silence_seconds, 0.5, 1e6,
             "a rank that nobody has heard of for so long is lost, and the job ends"),
      number("watchdog.training_stall_seconds", c.watchdog->training_stall_seconds, 1, 1e9,
             "a collective of the training that does not end for so long ends the job"),
      number("watchdog.other_stall_seconds", c.watchdog->other_stall_seconds, 1, 1e9,
             "the same at the start and while validating"),
      number("checkpoint.every_steps", c.checkpoint->every_steps, 0, 1e9, "steps between checkpoints; 0: not by steps"),
      number("checkpoint.every_minutes", c.checkpoint->every_minutes, 0, 1e6,
             "minutes between checkpoints; 0: not by time"),
      number("checkpoint.keep", c.checkpoint->keep, 2, 1000, "the newest so many are kept"),
      flag("checkpoint.best", c.checkpoint->best,
           "one more after each best validation, kept until there is a better one"),
      list("stop.signals", c.stop->signals, "list of \"USR1\", \"USR2\", \"HUP\", \"INT\"",
           "any of them, or SIGTERM, to any one rank, and the run takes a checkpoint and ends with exit code 75",
           read_signal, toml_text),
      number("stop.after_minutes", c.stop->after_minutes, 0, 1e6,
             "then the run takes a checkpoint and ends with exit code 75; 0: no limit"),
      number("stop.before_end_seconds", c.stop->before_end_seconds, 0, 1e6,
             "so long before a Slurm job's time is over it does the same"),
      number("evaluation.every", c.evaluation->every, 0, 100000, "epochs between validations; 0: only after the last"),
      number("evaluation.batch", c.evaluation->batch, 1, 1 << 16, "faces a forward pass"),
      choice("predict.head", c.evaluation->head, heads(), "whose posterior is the answer"),
      flag("predict.flip", c.evaluation->flip, "average over the mirrored face"),
      choice("evaluation.best", c.evaluation->best,
             {{"accuracy", Best::accuracy}, {"majority_accuracy", Best::majority_accuracy}, {"nll", Best::nll}},
             "validation measure that names the best weights"),
      number("evaluation.patience", c.evaluation->patience, 0, 100000,
             "validations without a better one before stopping; 0: never"),
      flag("log.tensorboard", c.tensorboard, "an event file for TensorBoard in the run folder"),
      number("log.every", c.log_every, 1, 1000000, "steps between console lines and metrics.jsonl rows"),
  };
}

std::vector<Field> monitoring(Config& c) {
  auto& m = *c.monitor;
  return {
      text("monitor.address", m.address,
           "where ranks report to: \"embedded\", a monitor on rank 0; \"off\"; or HOST:PORT of `penumbra monitor`"),
      text("monitor.run", m.run, "what the run is called there; empty: run.dir", true),
      text("monitor.listen", m.listen, "HOST:PORT of an embedded monitor for ranks, watch and ctl; port 0: a free one"),
      text("monitor.metrics", m.metrics, "HOST:PORT of its /metrics for Prometheus"),
      path("monitor.certificate", m.security.certificate, "PEM file, to be reached from other machines", true),
      path("monitor.key", m.security.key, "PEM file of its key", true),
      path("monitor.ca", m.security.ca,
           "PEM file of who vouches for the monitor's certificate; an embedded one's own where it is empty", true),
      path("monitor.client_ca", m.security.client_ca,
           "PEM file: an embedded monitor wants certificates of this authority", true),
      path("monitor.token_file", m.security.token_file, "file with a secret that both sides know", true),
      flag("monitor.insecure", m.security.insecure, "plain text and no token beyond this machine"),
  };
}

}  // namespace

std::vector<std::pair<std::string, Head>> heads() {
  return {{"original", Head::original}, {"ambiguous", Head::ambiguous}, {"mean", Head::mean}};
}

std::vector<std::pair<std::string, Method>> methods() {
  return {{"full", Method::full}, {"ce_only", Method::ce_only}, {"mixup_only", Method::mixup_only}};
}

std::string name_of(Head head) { return name_in(heads(), head); }
std::string name_of(Method method) { return name_in(methods(), method); }

const std::map<std::string, int>& signals_by_name() {
  static const std::map<std::string, int> names = {
      {"USR1", SIGUSR1}, {"USR2", SIGUSR2}, {"HUP", SIGHUP}, {"INT", SIGINT}};
  return names;
}

ResNetOptions net_for(const Config& config, const data::StoreInfo& info) {
  ResNetOptions options = *config.net;
  options.channels = info.channels;
  options.classes = static_cast<int>(info.classes.size());
  return options;
}

std::vector<Field> fields(Config& config) {
  std::vector<Field> all;
  append(all, run_and_data(config));
  append(all, views(config));
  append(all, nets_and_objective(config));
  append(all, optimisation(config));
  append(all, sync_and_evaluation(config));
  append(all, monitoring(config));
  return all;
}

}  // namespace penumbra::trainer
