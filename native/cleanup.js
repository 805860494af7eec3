// The end of the job: the program takes back what the step wrote.
"use strict";

require("./index.js").cleanUp();
