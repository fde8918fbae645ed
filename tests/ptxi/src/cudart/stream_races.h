// Work in streams that uses the same bytes without an order.
#pragma once

#include "cudart/work.h"

namespace ptxi {

void races_begin(const Work& w);   // it is about to be done
void races_end(const WorkRef& w);  // it has been: reports other work that it races with
void races_forget();               // what comes from now on comes after all that was done

}  // namespace ptxi
