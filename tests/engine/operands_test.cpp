// Every op refuses each of its operands on another device or of another type, with its path and the shapes.
#include <doctest/doctest.h>

#include "engine/ops.h"
#include "kernels/augment.h"

using namespace fermion;
using namespace fermion::engine;

namespace {

struct Operand {
  Shape shape;
  DType dtype = DType::f32;
};

struct Call {
  std::string op;
  std::vector<Operand> operands;
  std::function<void(Tape&, const std::vector<Tensor>&)> run;
};

const std::vector<Call>& calls() {
  using In = const std::vector<Tensor>&;
  const Operand image{{2, 4, 4, 6}}, weight{{6, 1, 1, 6}}, channels{{6}}, scalar{{}};
  const Operand wide_weight{{6, 1, 1, 12}};
  static const std::vector<Call> list = {
      {"conv2d",
       {image, image, wide_weight, channels, channels},
       [](Tape& tape, In t) {
         conv2d(tape, {t[0], t[1]}, t[2], {1, t[3], t[4], {}, true});
       }},
      {"conv2d",
       {image, weight, channels},
       [](Tape& tape, In t) {
         conv2d(tape, {t[0]}, t[1], {1, {}, {}, t[2], true});
       }},
      {"conv_transpose2d",
       {image, {{5, 2, 2, 6}}},
       [](Tape& tape, In t) { conv_transpose2d(tape, t[0], t[1]); }},
      {"max_pool2d", {image}, [](Tape& tape, In t) { max_pool2d(tape, t[0]); }},
      {"average_pool", {image}, [](Tape& tape, In t) { average_pool(tape, t[0], 2); }},
      {"region_split", {image}, [](Tape& tape, In t) { region_split(tape, t[0], 2, 1); }},
      {"residual_add", {image, image}, [](Tape& tape, In t) { residual_add(tape, t[0], t[1]); }},
      {"attention", {image}, [](Tape& tape, In t) { attention(tape, t[0]); }},
      {"linear", {{{2, 3}}, {{4, 3}}, {{4}}}, [](Tape& tape, In t) { linear(tape, t[0], t[1], t[2]); }},
      {"region_softmax", {{{2, 4}}}, [](Tape& tape, In t) { region_softmax(tape, t[0]); }},
      {"region_join",
       {{{4, 2, 3}}, {{2, 4}}, {{2, 5}}},
       [](Tape& tape, In t) { region_join(tape, t[0], t[1], t[2]); }},
      {"region_entropy", {{{2, 4}}}, [](Tape& tape, In t) { region_entropy(tape, t[0]); }},
      {"softmax_cross_entropy",
       {{{4, 2, 3}}, {{2}, DType::i32}, {{3}}, {{2, 4}}},
       [](Tape& tape, In t) {
         softmax_cross_entropy(tape, t[0], t[1], {0, t[2], t[3]});
       }},
      {"softmax_cross_entropy",
       {{{2, 3}}, {{2, 3}}},
       [](Tape& tape, In t) { softmax_cross_entropy(tape, t[0], t[1], {}); }},
      {"weighted_sum",
       {scalar, scalar},
       [](Tape& tape, In t) {
         weighted_sum(tape, {t[0], t[1]}, {1, 2});
       }},
      {"dropout", {{{2, 3}}}, [](Tape& tape, In t) { dropout(tape, t[0], 0.5f); }},
      {"augment",
       {{{2, 4, 4, 3}, DType::u8}, {{2, kernels::augment_parameter_count}}, {{3}}, {{3}}},
       [](Tape& tape, In t) { augment(tape, t[0], t[1], t[2], t[3]); }},
  };
  return list;
}

std::string message_of(const Call& call, Tape& tape, const std::vector<Tensor>& operands) {
  const auto scope = tape.scope("here");
  try {
    call.run(tape, operands);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

struct Fixture {
  Device device{{.threads = 1}}, other{{.threads = 1}};
  Tape tape{device, Mode::train, {1, Tensor::zeros(device, DType::i32, {1})}};

  std::vector<Tensor> operands_of(const Call& call) {
    std::vector<Tensor> list;
    for (const Operand& o : call.operands) list.push_back(Tensor::zeros(device, o.dtype, o.shape));
    return list;
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "every op refuses a tensor of another device") {
  for (const Call& call : calls()) {
    const std::vector<Tensor> fitting = operands_of(call);
    CHECK_MESSAGE(message_of(call, tape, fitting) == "", call.op);
    for (std::size_t i = 0; i < fitting.size(); ++i) {
      std::vector<Tensor> operands = fitting;
      operands[i] = Tensor::zeros(other, fitting[i].dtype(), fitting[i].shape());
      const std::string message = message_of(call, tape, operands);
      CAPTURE(i);
      CAPTURE(message);
      CHECK_MESSAGE(message.starts_with("here/" + call.op + ": "), call.op);
      CHECK(message.find(fitting[i].shape().text() + " lies on another device") != std::string::npos);
    }
  }
}

TEST_CASE_FIXTURE(Fixture, "every op refuses a tensor of another type") {
  for (const Call& call : calls()) {
    const std::vector<Tensor> fitting = operands_of(call);
    for (std::size_t i = 0; i < fitting.size(); ++i) {
      const DType wrong = fitting[i].dtype() == DType::u8 ? DType::i32 : DType::u8;
      std::vector<Tensor> operands = fitting;
      operands[i] = Tensor::zeros(device, wrong, fitting[i].shape());
      const std::string message = message_of(call, tape, operands);
      CAPTURE(i);
      CAPTURE(message);
      CHECK_MESSAGE(message.starts_with("here/" + call.op + ": "), call.op);
      CHECK(message.find(name_of(wrong) + (" " + fitting[i].shape().text())) != std::string::npos);
    }
  }
}
