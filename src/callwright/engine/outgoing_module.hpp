// Binds Engine.request.
#pragma once

#include <nanobind/nanobind.h>

#include "engine.hpp"

namespace callwright {

void bind_outgoing(nanobind::class_<Engine>& engine);

}  // namespace callwright
