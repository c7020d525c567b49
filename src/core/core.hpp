// All of the core that the glue to R includes.
#pragma once
#include "blocks.hpp"
#include "cpu.hpp"
#include "fault.hpp"
#include "isa/isa.hpp"
#include "pad.hpp"
#include "parallel.hpp"
#include "plan.hpp"
#include "problem.hpp"
#include "run.hpp"
