/** Options of every sink that writes text files. */
import { z } from 'zod'

const GiB = 1024 ** 3

export const sinkShape = {
  path: z
    .string()
    .min(1)
    .describe('Directory for the files; made when it does not exist.')
    .meta({ examples: ['/data/out'] }),
  layout: z
    .enum(['flat', 'folders'])
    .default('flat')
    .describe('`flat`: the names of files begin with the dataset. `folders`: each dataset has a folder of its own.'),
  fileName: z
    .string()
    .min(1)
    .optional()
    .describe('What the names of files (or the folder) begin with instead of the dataset, for jobs with one dataset.'),
  writeMode: z
    .enum(['append', 'overwrite', 'nonconflict'])
    .default('append')
    .describe(
      '`append` adds files. `overwrite` first removes those that Sluice published for the dataset. `nonconflict` wants the directory empty.',
    ),
  maxFileBytes: z
    .int()
    .min(1)
    .default(GiB)
    .describe('Size at which a new file is begun. Each commit begins one, too.')
    .meta({ unit: 'bytes', aliases: ['maxFileSize'] }),
}

export type SinkSettings = z.output<z.ZodObject<typeof sinkShape>>
