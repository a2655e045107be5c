import { z } from "zod";
import { Column, Day, Description, jobFields, Name } from "./fields.ts";

export const InferenceJob = z
  .strictObject({
    ...jobFields,
    main: z.string().default("jobs/offers.py").describe("Python file to run, relative to the code folder."),
    inputs: z
      .strictObject({
        scorer: Name.describe("Scorer of a TrainingJob."),
        lines: Name.describe("Clean lines of a FeatureJob."),
        segments: Name.describe("Segments of a SegmentationJob."),
        items: Name.optional().describe("Raw item table."),
        campaigns: Name.describe("Raw campaigns with their windows."),
        coupons: Name.describe("Raw coupons: which items, in which campaign."),
        targets: Name.optional().describe(
          "Raw targeting: which entity is in which campaign. Without it every entity is in each.",
        ),
      })
      .describe("Datasets it reads, by role."),
    outputs: z
      .strictObject({
        offers: Name.describe("entity, rank, campaign, coupon, score, group, rule, segment, reason."),
        considered: Name.optional().describe(
          "Every offer with what became of it for each entity: entity (null: everyone), campaign, coupon (null: the rest of the campaign), offers, decision, place, rank, score, group, slot, category, liked, visits, last, start, end, instead, reason. `sparkwright explain entity/ID` reads it.",
        ),
        histories: Name.optional().describe(
          "What was known of each entity: entity, segment, rule, as_of, scorer, context, visits, last_visit, and of its most frequent categories categories, category_visits, category_last, category_liked. `sparkwright explain entity/ID` reads it.",
        ),
      })
      .describe("Datasets it writes, by role."),
    asOf: Day.describe("Day for which offers are made; history ends the day before."),
    rules: Name.describe("Name of an OfferRules document."),
    tables: z
      .strictObject({
        items: z
          .strictObject({
            key: Column.describe("What lines and coupons name the item by."),
            category: Column.describe("Category of the item."),
          })
          .optional()
          .describe("Columns of the item table."),
        campaigns: z
          .strictObject({
            campaign: Column.describe("Id of the campaign."),
            start: Column.describe("First day of the window."),
            end: Column.describe("Last day of the window, included."),
            type: Column.optional().describe("Type of the campaign."),
          })
          .describe("Columns of the campaigns."),
        coupons: z
          .strictObject({
            campaign: Column.describe("Id of the campaign."),
            coupon: Column.describe("Id of the coupon."),
            item: Column.describe("An item it is good for; one row per item."),
          })
          .describe("Columns of the coupons."),
        targets: z
          .strictObject({
            campaign: Column.describe("Id of the campaign."),
            entity: Column.describe("Who is targeted."),
          })
          .optional()
          .describe("Columns of the targeting."),
      })
      .describe("Columns of the raw tables by role."),
    dateFormat: z.string().optional().describe("Spark pattern of start and end when they are text."),
    openPool: z
      .strictObject({
        campaignTypes: z.array(z.string()).default([]).describe("Types open to everyone; empty: all active campaigns."),
      })
      .prefault({})
      .describe("What entities without any active targeting may get."),
    availability: z
      .strictObject({
        days: z
          .int()
          .min(0)
          .default(84)
          .describe("An offer needs an item sold in these last days; 0 switches the check off."),
      })
      .prefault({})
      .describe("Whether what is offered can be had."),
    batchRows: z.int().min(1).default(1000).describe("Rows per call of the model."),
  })
  .describe("Gives each entity its offers: rules per segment say how many of which group, the model says which.");
export type InferenceJob = z.output<typeof InferenceJob>;

const Quotas = z
  .strictObject({
    frequent: z.int().min(0).default(0).describe("Offers of categories bought within recentDays."),
    lapsed: z.int().min(0).default(0).describe("Offers of categories bought before, but not within recentDays."),
    fresh: z.int().min(0).default(0).describe("Offers of categories never bought."),
  })
  .describe("Number of offers by group.");

export const OfferRules = z
  .strictObject({
    description: Description,
    recentDays: z.int().min(1).default(91).describe("Days that count as recent, up to the day of the offers."),
    neverOffer: z
      .array(z.string())
      .default([])
      .describe("Categories never offered; compared without regard to case, `*` stands for any text."),
    maxItems: z.int().min(1).optional().describe("Coupons on more items than this are storewide; they are left out."),
    default: z.strictObject({ quotas: Quotas }).describe("Rule of every segment that has none of its own."),
    segments: z
      .array(
        z.strictObject({
          segment: z.string().describe("Id of a segment, such as s1."),
          quotas: Quotas,
          neverOffer: z.array(z.string()).default([]).describe("Further categories never offered to this segment."),
          campaignTypes: z.array(z.string()).default([]).describe("Only these types of campaign; empty: all."),
        }),
      )
      .default([])
      .describe("Rules of single segments."),
    maxFallbackShare: z
      .number()
      .min(0)
      .max(1)
      .default(0.1)
      .describe("Largest share of a segment's offers that may fill another group's quota."),
  })
  .describe("Which offers a segment gets, written by marketers: quotas per group and what is excluded.");
export type OfferRules = z.output<typeof OfferRules>;
