// Authentication as Python sees it.
#pragma once

#include <nanobind/nanobind.h>

#include "engine.hpp"

namespace callwright {

void bind_auth(nanobind::module_& module, nanobind::class_<Engine>& engine);

}  // namespace callwright
