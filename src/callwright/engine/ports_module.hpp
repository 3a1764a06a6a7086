#pragma once

#include <nanobind/nanobind.h>

#include "engine.hpp"

namespace callwright {

// Sound, and the methods of Engine that are about ports.
void bind_ports(nanobind::module_& module, nanobind::class_<Engine>& engine);

}  // namespace callwright
