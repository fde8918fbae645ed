#include "fer/labels.h"

#include <doctest/doctest.h>

#include "engine/error.h"

using namespace fermion::fer;

TEST_CASE("the classes, in their order") {
  CHECK(class_names(7) ==
        std::vector<std::string>{"neutral", "happiness", "sadness", "surprise", "fear", "disgust", "anger"});
  CHECK(class_names(8).size() == 8);
  CHECK(class_names(8).back() == "contempt");
  CHECK_THROWS_AS(class_names(6), fermion::engine::Error);
}

TEST_CASE("every name that a set uses finds its class") {
  const std::vector<std::vector<const char*>> names = {
      {"neutral", "Neutral", "NE"},      {"happiness", "happy", "Happy", "HA"},
      {"sadness", "sad", "Sad", "SA"},   {"surprise", "Surprise", "surprised", "SU"},
      {"fear", "Fear", "fearful", "FE"}, {"disgust", "Disgust", "DI"},
      {"anger", "Angry", "angry", "AN"}, {"contempt", " Contempt\r\n"}};
  for (std::size_t i = 0; i < names.size(); ++i)
    for (const char* name : names[i]) {
      CAPTURE(name);
      CHECK(expression_of(name) == static_cast<int>(i));
    }
}

TEST_CASE("other names and numbers are no expression") {
  for (const char* name : {"", " ", "unknown", "NF", "0", "3", "h", "happys", "bored"}) {
    CAPTURE(name);
    CHECK(!expression_of(name));
  }
}
