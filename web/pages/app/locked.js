// The page for those who came without the token: it needs nothing but its theme.

import { offerSunlight } from "./sunlight.js";

offerSunlight(document.getElementById("sunlight"));
