// A browser's worker, or Deno's.
import { serve } from "./serve.js";

serve(self);
